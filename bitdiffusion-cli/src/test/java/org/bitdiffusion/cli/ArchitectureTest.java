package org.bitdiffusion.cli;

import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.EvaluationResult;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class ArchitectureTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("org.bitdiffusion.cli");

  /** Classes of one file count as one. */
  @Test
  void noFilesDependOnEachOtherInACircle() {
    var result = circles(ArchitectureTest::file);
    assertThat(result.getFailureReport().getDetails()).isEmpty();
  }

  /** Classes within a file do know each other. */
  @Test
  void theScanCanFail() {
    assertThat(CLASSES).hasSizeGreaterThan(50);
    assertThat(circles(JavaClass::getName).getFailureReport().toString())
        .contains("org.bitdiffusion.cli.TrainCommand$Console");
  }

  private static EvaluationResult circles(Function<JavaClass, String> part) {
    return slices().assignedFrom(new By(part)).should().beFreeOfCycles().evaluate(CLASSES);
  }

  private static String file(JavaClass c) {
    var name = c.getName();
    var nested = name.indexOf('$');
    return nested < 0 ? name : name.substring(0, nested);
  }

  private record By(Function<JavaClass, String> part) implements SliceAssignment {
    @Override
    public SliceIdentifier getIdentifierOf(JavaClass c) {
      return SliceIdentifier.of(part.apply(c));
    }

    @Override
    public String getDescription() {
      return "parts of the command";
    }
  }
}
