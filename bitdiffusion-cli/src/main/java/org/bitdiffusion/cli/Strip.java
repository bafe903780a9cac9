package org.bitdiffusion.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bitdiffusion.data.ImageGrid;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bitdiffusion.training.ImageModel;

/** Frames of the first samples: a row each, from noise to image. */
final class Strip {
  private static final int FRAMES = 10;

  private final ImageModel model;
  private final int steps;
  private final int count;
  private final List<int[]> frames = new ArrayList<>();

  Strip(ImageModel model, SamplerConfig config, int count) {
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

  void write(Path file) {
    var size = model.format().symbols();
    var grid = new int[count * frames.size() * size];
    for (var i = 0; i < count; i++) {
      for (var f = 0; f < frames.size(); f++) {
        System.arraycopy(frames.get(f), i * size, grid, (i * frames.size() + f) * size, size);
      }
    }
    ImageGrid.write(file, grid, model.format(), frames.size());
  }
}
