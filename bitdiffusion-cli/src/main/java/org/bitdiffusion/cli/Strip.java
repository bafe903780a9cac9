package org.bitdiffusion.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bitdiffusion.io.WholeFile;
import org.bitdiffusion.modality.Renderer;
import org.bitdiffusion.modality.SampleFile;
import org.bitdiffusion.model.DiffusionModel;
import org.bitdiffusion.model.Samples;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.sampling.SamplerConfig;

/** Frames of the first samples: a row each, from noise to what they are. */
final class Strip {
  private static final int FRAMES = 10;

  private final DiffusionModel model;
  private final int steps;
  private final int count;
  private final List<int[]> frames = new ArrayList<>();

  Strip(DiffusionModel model, SamplerConfig config, int count) {
    this.model = model;
    this.steps = config.steps();
    this.count = count;
  }

  /** Keeps what x_t and, last, the estimate would be as symbols. */
  void add(Sampler.Step step) {
    var frame = frames.size() * (steps - 1) / Math.max(1, FRAMES - 2);
    var last = step.index() == steps - 1;
    if (step.index() >= frame && frames.size() < FRAMES - 1) {
      frames.add(model.symbols(step.xt()));
    }
    if (last) {
      frames.add(model.symbols(step.estimate()));
    }
  }

  void write(Path file, Renderer renderer) {
    var space = model.config().schema().space();
    var size = space.places();
    var grid = new int[count * frames.size() * size];
    for (var i = 0; i < count; i++) {
      for (var f = 0; f < frames.size(); f++) {
        System.arraycopy(frames.get(f), i * size, grid, (i * frames.size() + f) * size, size);
      }
    }
    var ending = SampleFile.ending(file, renderer);
    var bytes = renderer.render(ending, new Samples(space, grid), frames.size());
    WholeFile.write(file, out -> out.write(bytes));
  }
}
