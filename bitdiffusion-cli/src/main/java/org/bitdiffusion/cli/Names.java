package org.bitdiffusion.cli;

import java.util.Iterator;
import java.util.List;
import java.util.function.Supplier;
import org.bitdiffusion.run.ConfigReader;
import org.bitdiffusion.runtime.Precision;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bitdiffusion.sampling.Solver;

/**
 * The names that options may have, for their help: from the library's own lists, which are asked
 * when help is shown and not at each start.
 */
final class Names {
  private Names() {}

  /** A list that picocli makes by reflection. */
  private abstract static class Of implements Iterable<String> {
    private final Supplier<List<String>> names;

    Of(Supplier<List<String>> names) {
      this.names = names;
    }

    @Override
    public Iterator<String> iterator() {
      return names.get().iterator();
    }
  }

  /** Samplers. */
  static final class Samplers extends Of {
    Samplers() {
      super(() -> Solver.ALL.names());
    }
  }

  /** Modes of self-conditioning. */
  static final class SelfConditioning extends Of {
    SelfConditioning() {
      super(() -> SamplerConfig.MODES);
    }
  }

  /** What networks compute in. */
  static final class Precisions extends Of {
    Precisions() {
      super(() -> Precision.NAMES);
    }
  }

  /** Presets. */
  static final class Presets extends Of {
    Presets() {
      super(() -> ConfigReader.presets());
    }
  }
}
