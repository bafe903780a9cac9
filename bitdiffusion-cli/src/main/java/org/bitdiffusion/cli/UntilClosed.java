package org.bitdiffusion.cli;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/**
 * Writes until the reader of a pipe has seen enough, as in {@code bitdiff info | head}: that is no
 * failure, unlike a disk that is full.
 */
final class UntilClosed extends FilterOutputStream {
  private boolean closed;

  UntilClosed(OutputStream out) {
    super(out);
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    if (closed) {
      return;
    }
    try {
      out.write(bytes, offset, length);
    } catch (IOException e) {
      if (!"Broken pipe".equals(e.getMessage())) {
        throw e;
      }
      closed = true;
    }
  }
}
