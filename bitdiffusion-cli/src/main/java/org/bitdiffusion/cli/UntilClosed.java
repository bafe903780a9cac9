package org.bitdiffusion.cli;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;

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
      if (e.getMessage() == null || !e.getMessage().equals(closedPipe())) {
        throw e;
      }
      closed = true;
    }
  }

  /** What the system says, in the user's language, of a pipe whose reader is gone. */
  private static String closedPipe() {
    try {
      var pipe = Pipe.open();
      try (var sink = pipe.sink()) {
        pipe.source().close();
        sink.write(ByteBuffer.allocate(1));
      }
      return "";
    } catch (IOException e) {
      return e.getMessage();
    }
  }
}
