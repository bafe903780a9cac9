package org.bitdiffusion.cli;

import java.io.PrintWriter;
import org.bitdiffusion.DataException;

/**
 * Pictures beside a training, which are not worth it: where one cannot be painted or written, for
 * want of a font or of room, a line says so once, and the work goes on.
 */
final class Pictures {
  private final PrintWriter err;
  private boolean warned;

  Pictures(PrintWriter err) {
    this.err = err;
  }

  void paint(Runnable picture) {
    try {
      picture.run();
    } catch (DataException e) {
      if (!warned) {
        warned = true;
        err.println("bitdiff: " + e.getMessage() + "; training goes on without such pictures");
      }
    }
  }
}
