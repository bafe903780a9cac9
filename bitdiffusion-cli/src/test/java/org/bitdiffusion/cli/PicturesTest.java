package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import org.bitdiffusion.DataException;
import org.junit.jupiter.api.Test;

class PicturesTest {
  private final StringWriter err = new StringWriter();
  private final Pictures pictures = new Pictures(new PrintWriter(err, true));

  @Test
  void oneLineForAllThatFailAndTheOthersArePainted() {
    var painted = new ArrayList<String>();
    pictures.paint(() -> fail("loss.png cannot be written: No space left on device"));
    pictures.paint(() -> painted.add("samples.png"));
    pictures.paint(() -> fail("another failure"));
    assertThat(err.toString().lines())
        .containsExactly(
            "bitdiff: loss.png cannot be written: No space left on device; training goes on without"
                + " such pictures");
    assertThat(painted).containsExactly("samples.png");
  }

  @Test
  void aMistakeOfTheProgramIsNotHidden() {
    assertThatThrownBy(() -> pictures.paint(() -> fail(null)))
        .isInstanceOf(IllegalStateException.class);
  }

  private static void fail(String message) {
    throw message == null ? new IllegalStateException() : new DataException(message);
  }
}
