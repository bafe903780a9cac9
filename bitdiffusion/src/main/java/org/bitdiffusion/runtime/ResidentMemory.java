package org.bitdiffusion.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.OptionalLong;

/** Memory that this process holds, as Linux tells it; empty where the system does not say. */
public final class ResidentMemory {
  private ResidentMemory() {}

  /** Bytes now. */
  public static OptionalLong now() {
    return status("VmRSS:");
  }

  /** The most bytes since the process began, or since the last new peak. */
  public static OptionalLong peak() {
    return status("VmHWM:");
  }

  /**
   * Lets a new peak begin.
   *
   * @return bytes now, or empty where the old peak goes on
   */
  public static OptionalLong newPeak() {
    try {
      Files.writeString(Path.of("/proc/self/clear_refs"), "5", StandardOpenOption.WRITE);
      return now();
    } catch (IOException e) {
      return OptionalLong.empty();
    }
  }

  private static OptionalLong status(String key) {
    try (var lines = Files.lines(Path.of("/proc/self/status"))) {
      return lines
          .filter(line -> line.startsWith(key))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
          .findFirst();
    } catch (IOException e) {
      return OptionalLong.empty(); // not Linux
    }
  }
}
