package org.bitdiffusion;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The order of the packages, as docs/architecture.md has it: no arrow upward, no circle. */
class ArchitectureTest {
  private static final String ROOT = "org.bitdiffusion";

  /** From the ground up. A package may use those before it. */
  private static final List<String> ORDER =
      List.of(
          "",
          ".io",
          ".runtime",
          ".data",
          ".codec",
          ".text",
          ".metrics",
          ".metrics.table",
          ".diffusion",
          ".sampling",
          ".nn",
          ".nn.unet",
          ".nn.captioner",
          ".nn.mlp",
          ".nn.transformer",
          ".config",
          ".storage",
          ".model",
          ".training",
          ".modality",
          ".modality.image",
          ".modality.caption",
          ".modality.table",
          ".run");

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages(ROOT);

  private static String shortName(String packageName) {
    return packageName.substring(ROOT.length());
  }

  @Test
  void everyPackageHasItsPlace() {
    var packages = new TreeSet<String>();
    CLASSES.forEach(c -> packages.add(shortName(c.getPackageName())));
    assertThat(packages).containsExactlyInAnyOrderElementsOf(ORDER);
  }

  @Test
  void noPackageDependsUpward() {
    var upward = new TreeSet<String>();
    for (var origin : CLASSES) {
      for (var dependency : origin.getDirectDependenciesFromSelf()) {
        var target = dependency.getTargetClass().getBaseComponentType();
        if (target.getPackageName().startsWith(ROOT) && place(target) > place(origin)) {
          upward.add(origin.getName() + " -> " + target.getName());
        }
      }
    }
    assertThat(upward).isEmpty();
  }

  private static int place(JavaClass c) {
    return ORDER.indexOf(shortName(c.getPackageName()));
  }

  /** Kinds of data are told apart in their own packages only; this finds types of theirs. */
  @Test
  void nothingBelowModalityKnowsAKindOfData() {
    var known = new TreeSet<String>();
    for (var origin : CLASSES) {
      var own = shortName(origin.getPackageName());
      if (own.startsWith(".modality.")) {
        continue;
      }
      for (var dependency : origin.getDirectDependenciesFromSelf()) {
        if (shortNameOrEmpty(dependency.getTargetClass()).startsWith(".modality.")) {
          known.add(dependency.getDescription());
        }
      }
    }
    assertThat(known).isEmpty();
  }

  private static String shortNameOrEmpty(JavaClass c) {
    var name = c.getBaseComponentType().getPackageName();
    return name.startsWith(ROOT) ? shortName(name) : "";
  }

  /** Classes of one file count as one; a sealed type knows those that it permits. */
  @Test
  void noFilesDependOnEachOtherInACircle() throws ClassNotFoundException {
    var arrows = new TreeMap<String, Set<String>>();
    for (var origin : CLASSES) {
      var from = file(origin);
      for (var dependency : origin.getDirectDependenciesFromSelf()) {
        var target = dependency.getTargetClass().getBaseComponentType();
        if (target.getPackageName().startsWith(ROOT)
            && !file(target).equals(from)
            && !isFamily(origin, target)) {
          arrows.computeIfAbsent(from, any -> new TreeSet<>()).add(file(target));
        }
      }
    }
    assertThat(circles(arrows)).isEmpty();
  }

  private static String file(JavaClass c) {
    var name = c.getName();
    var nested = name.indexOf('$');
    return nested < 0 ? name : name.substring(0, nested);
  }

  /** Whether one is sealed and permits the other, or another of the other's family. */
  private static boolean isFamily(JavaClass one, JavaClass other) throws ClassNotFoundException {
    var sealed = Class.forName(file(one));
    var member = Class.forName(file(other));
    return sealed.isSealed() && sealed.isAssignableFrom(member);
  }

  /** Tarjan's strongly connected components of more than one file. */
  private static List<Set<String>> circles(Map<String, Set<String>> arrows) {
    var search = new Search(arrows);
    arrows.keySet().forEach(search::visit);
    return search.circles;
  }

  private static final class Search {
    private final Map<String, Set<String>> arrows;
    private final Map<String, Integer> index = new HashMap<>();
    private final Map<String, Integer> low = new HashMap<>();
    private final Deque<String> stack = new ArrayDeque<>();
    private final List<Set<String>> circles = new ArrayList<>();

    Search(Map<String, Set<String>> arrows) {
      this.arrows = arrows;
    }

    void visit(String file) {
      if (index.containsKey(file)) {
        return;
      }
      index.put(file, index.size());
      low.put(file, index.get(file));
      stack.push(file);
      for (var next : arrows.getOrDefault(file, Set.of())) {
        if (!index.containsKey(next)) {
          visit(next);
          low.merge(file, low.get(next), Math::min);
        } else if (stack.contains(next)) {
          low.merge(file, index.get(next), Math::min);
        }
      }
      if (low.get(file).equals(index.get(file))) {
        var component = new TreeSet<String>();
        do {
          component.add(stack.peek());
        } while (!stack.pop().equals(file));
        if (component.size() > 1) {
          circles.add(component);
        }
      }
    }
  }

  @Test
  void theScansCanFail() {
    assertThat(circles(Map.of("a", Set.of("b"), "b", Set.of("c"), "c", Set.of("a", "d"))))
        .containsExactly(Set.of("a", "b", "c"));
    assertThat(CLASSES).hasSizeGreaterThan(100);
    assertThat(CLASSES.stream().flatMap(c -> c.getDirectDependenciesFromSelf().stream()))
        .anyMatch(d -> d.getTargetClass().getName().equals("org.bitdiffusion.data.Space"));
  }
}
