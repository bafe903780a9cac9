package org.bitdiffusion;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The answers to a question that the class path has, by name and in the order of its files: the
 * library's own, and those that others bring with a line in {@code META-INF/services}. Help, hints,
 * errors and documents take their lists of names from here.
 *
 * @param <T> the question, such as how a sampler moves
 */
public final class Registry<T extends Named> {
  private static final Logger LOGGER = LoggerFactory.getLogger(Registry.class);

  /** After so many providers that cannot be loaded, the others are not looked at. */
  private static final int MOST_BROKEN = 100;

  private final String what;
  private final Map<String, T> byName = new LinkedHashMap<>();
  private final List<String> broken = new ArrayList<>();

  private Registry(String what) {
    this.what = what;
  }

  /**
   * All providers of a service. One that cannot be loaded is left out, and a warning names it.
   *
   * @param what for messages, such as {@code sampler}
   */
  @SuppressWarnings("unchecked") // of a service with a type parameter, T is that with a wildcard
  public static <T extends Named> Registry<T> load(Class<? super T> service, String what) {
    // Of where the library is, and of where its caller is, which may be another place.
    var registry = new Registry<T>(what);
    registry.addAll((Iterable<T>) ServiceLoader.load(service, service.getClassLoader()));
    registry.addAll((Iterable<T>) ServiceLoader.load(service));
    return registry;
  }

  static <T extends Named> Registry<T> of(String what, Iterable<T> providers) {
    var registry = new Registry<T>(what);
    registry.addAll(providers);
    return registry;
  }

  private void addAll(Iterable<T> providers) {
    var iterator = providers.iterator();
    for (var failures = 0; failures < MOST_BROKEN; ) { // a file may fail again each time
      try {
        if (!iterator.hasNext()) {
          return;
        }
        add(iterator.next());
      } catch (ServiceConfigurationError | LinkageError | RuntimeException e) {
        failures++;
        leaveOut(
            e instanceof ServiceConfigurationError && e.getCause() != null
                ? e.getMessage() + " (" + e.getCause() + ")"
                : e instanceof ServiceConfigurationError ? e.getMessage() : e.toString());
      }
    }
  }

  private void add(T provider) {
    var type = provider.getClass().getName();
    var name = provider.name();
    if (name == null || name.isBlank()) {
      leaveOut(type + " has no name");
      return;
    }
    var other = byName.putIfAbsent(name, provider);
    if (other != null && !other.getClass().equals(provider.getClass())) {
      leaveOut("%s has the name of %s".formatted(type, other.getClass().getName()));
    }
  }

  private void leaveOut(String reason) {
    if (!broken.contains(reason)) {
      broken.add(reason);
      LOGGER.warn("a {} on the class path is left out: {}", what, reason);
    }
  }

  /** All of them. */
  public Collection<T> all() {
    return List.copyOf(byName.values());
  }

  /** Their names. */
  public List<String> names() {
    return List.copyOf(byName.keySet());
  }

  /** The one of a name, if there is one. */
  public Optional<T> find(String name) {
    return Optional.ofNullable(byName.get(name));
  }

  /**
   * The one of a name.
   *
   * @param setting that holds the name, for the message, such as {@code sampling.sampler}
   * @throws ConfigurationException if there is none; the message has the known names, the nearest
   *     one, and what could not be loaded
   */
  public T get(String setting, String name) {
    return find(name)
        .orElseThrow(
            () ->
                new ConfigurationException(
                    "%s is '%s', but no %s of that name is on the class path; there are %s%s%s"
                        .formatted(
                            setting,
                            name,
                            what,
                            String.join(", ", names()),
                            didYouMean(name, names()),
                            broken.isEmpty() ? "" : "; not loaded: " + String.join("; ", broken))));
  }

  /**
   * Complains of a name that is none of a closed list: the message has them all, and the nearest.
   *
   * @param setting that holds the name, such as {@code diffusion.loss}
   */
  public static void require(String setting, String name, Collection<String> names) {
    if (!names.contains(name)) {
      throw unknown(setting, name, names);
    }
  }

  /**
   * What to say of a name that there is not.
   *
   * @param names those that there are
   */
  public static ConfigurationException unknown(
      String setting, String name, Collection<String> names) {
    return new ConfigurationException(
        "%s '%s' is unknown; use %s%s"
            .formatted(setting, name, choice(names), didYouMean(name, names)));
  }

  /** The names as {@code a, b or c}. */
  public static String choice(Collection<String> names) {
    var all = String.join(", ", names);
    var last = all.lastIndexOf(", ");
    return last < 0 ? all : all.substring(0, last) + " or " + all.substring(last + 2);
  }

  /** {@code ; did you mean X?} where a name is near that of another, else nothing. */
  public static String didYouMean(String name, Collection<String> names) {
    return nearest(name, names).map(near -> "; did you mean " + near + "?").orElse("");
  }

  /** The name that a misspelt one was meant to be: at most a third of its letters differ. */
  public static Optional<String> nearest(String name, Collection<String> names) {
    return names.stream()
        .min(Comparator.comparingInt(candidate -> distance(candidate, name)))
        .filter(candidate -> distance(candidate, name) <= name.length() / 3);
  }

  /**
   * Letters to be changed, added or left out, or pairs of neighbours to be exchanged, to make one
   * text of another (the restricted distance of Damerau and Levenshtein).
   */
  public static int distance(String a, String b) {
    var d = new int[a.length() + 1][b.length() + 1];
    for (var i = 0; i <= a.length(); i++) {
      for (var j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          d[i][j] = i + j;
          continue;
        }
        var same = a.charAt(i - 1) == b.charAt(j - 1);
        d[i][j] =
            Math.min(d[i - 1][j - 1] + (same ? 0 : 1), 1 + Math.min(d[i - 1][j], d[i][j - 1]));
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
        }
      }
    }
    return d[a.length()][b.length()];
  }
}
