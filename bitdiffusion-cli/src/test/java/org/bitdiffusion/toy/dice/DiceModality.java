package org.bitdiffusion.toy.dice;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.bitdiffusion.config.ModalityConfig;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.SourceKind;
import org.bitdiffusion.modality.Evaluation;
import org.bitdiffusion.modality.Modality;
import org.bitdiffusion.modality.Renderer;

/** Sequences of dice, each with its own number of faces: a kind of data that main knows not of. */
public final class DiceModality implements Modality {
  @Override
  public String name() {
    return "dice";
  }

  @Override
  public Class<? extends ModalityConfig> settings() {
    return DiceSettings.class;
  }

  @Override
  public List<SourceKind> sources() {
    return List.of(new DiceKind());
  }

  @Override
  public DataSource open(RunConfig config, Optional<Path> run) {
    var rolls = (Dice) Modality.super.open(config, run);
    return new Dice(rolls.size(), ((DiceSettings) config.modality()).loaded());
  }

  @Override
  public Renderer renderer(RunConfig config, Path run) {
    return new DiceRenderer();
  }

  @Override
  public Renderer renderer(DataSource source) {
    return new DiceRenderer();
  }

  @Override
  public Evaluation evaluation() {
    return new DiceEvaluation();
  }
}
