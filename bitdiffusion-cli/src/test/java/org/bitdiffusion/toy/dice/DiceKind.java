package org.bitdiffusion.toy.dice;

import java.util.List;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Options;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.data.SourceKind;

/** {@code --data dice,rolls=1000}. */
final class DiceKind implements SourceKind {
  @Override
  public String name() {
    return "dice";
  }

  @Override
  public List<String> usage() {
    return List.of("dice,rolls=1000", "rolls of four dice");
  }

  @Override
  public Plan plan(Options options) {
    options.rejectPath();
    var rolls = options.integer("rolls", 1000, 1, 1_000_000);
    return new Plan() {
      @Override
      public Schema expected() {
        return Dice.SCHEMA;
      }

      @Override
      public DataSource open() {
        return new Dice(rolls, false);
      }
    };
  }
}
