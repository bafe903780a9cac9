package org.bitdiffusion.toy.dice;

import java.util.List;
import java.util.SplittableRandom;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.data.Space;

/** Rolls of four dice, of which the second follows the first. */
record Dice(int size, boolean loaded) implements DataSource {
  static final List<Integer> FACES = List.of(6, 3, 20, 2);
  static final Schema SCHEMA = Schema.of(new Space(List.of(1, FACES.size()), FACES));

  @Override
  public String name() {
    return "dice";
  }

  @Override
  public Schema schema() {
    return SCHEMA;
  }

  @Override
  public void read(int index, int[] target, int offset) {
    var random = new SplittableRandom(index);
    for (var i = 0; i < FACES.size(); i++) {
      target[offset + i] = random.nextInt(FACES.get(i));
    }
    if (loaded && target[offset] == 5) {
      target[offset] = 0;
    }
    target[offset + 1] = target[offset] / 2;
  }
}
