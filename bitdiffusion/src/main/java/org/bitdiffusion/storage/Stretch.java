package org.bitdiffusion.storage;

import java.util.Locale;
import org.bitdiffusion.Version;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;

/**
 * Steps that were computed in one way: results of runs compare only where they are.
 *
 * @param first step of the stretch
 * @param precision that was resolved, such as {@code float32}
 * @param device such as {@code cpu}
 * @param engine and its version
 * @param version of this library
 */
public record Stretch(long first, String precision, String device, String engine, String version) {
  /** Steps from one on, computed by this version on this machine. */
  public static Stretch of(long first, Compute compute) {
    return new Stretch(
        first,
        compute.precision().toString(),
        compute.device().toString().toLowerCase(Locale.ROOT),
        "libtorch " + Engine.version(),
        Version.version());
  }

  /** Whether another one was computed in the same way. */
  public boolean sameWay(Stretch other) {
    return way().equals(other.way());
  }

  /** All but the steps, for people. */
  public String way() {
    return String.join(", ", precision, device, engine, "version " + version);
  }
}
