package org.bitdiffusion.metrics.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bitdiffusion.metrics.table.Fixtures.numbers;
import static org.bitdiffusion.metrics.table.Fixtures.table;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.Callable;
import org.bitdiffusion.ConfigurationException;
import org.junit.jupiter.api.Test;

class BoostedTreesTest {
  /** As a program sees it that has the library and no XGBoost. */
  @Test
  void withoutXgboostOnlyItsMeasuresFail() throws Exception {
    var loader =
        new ClassLoader(getClass().getClassLoader()) {
          @Override
          protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (name.startsWith("ml.dmlc.")) {
              throw new ClassNotFoundException(name);
            }
            if (!name.startsWith("org.bitdiffusion.metrics.table.")) {
              return super.loadClass(name, resolve);
            }
            var loaded = findLoadedClass(name);
            return loaded == null ? define(name) : loaded;
          }

          private Class<?> define(String name) {
            try (var in = getResourceAsStream(name.replace('.', '/') + ".class")) {
              var bytes = in.readAllBytes();
              return defineClass(name, bytes, 0, bytes.length);
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          }
        };
    var program = loader.loadClass(Program.class.getName()).getDeclaredConstructor().newInstance();
    assertThat(((Callable<?>) program).call())
        .asString()
        .startsWith("XGBoost is needed for this measure and cannot be loaded (")
        .contains("put ml.dmlc:xgboost4j_2.12 on the class path");
  }

  /** Loaded again by the test. */
  public static final class Program implements Callable<String> {
    @Override
    public String call() {
      var rows = table(numbers(1, 2, 3, 4, 5, 6));
      var folds = Detection.folds(rows, rows, 0);
      assertThat(Detection.logistic(rows, rows, folds).areas()).hasSize(3);
      try {
        Detection.trees(rows, rows, folds, BoostedTrees.DEFAULT);
        return "loaded";
      } catch (ConfigurationException e) {
        return e.getMessage();
      }
    }
  }
}
