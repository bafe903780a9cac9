package org.bitdiffusion;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Properties;

/** The version of this library, which the build wrote into a resource. */
public final class Version {
  private Version() {}

  /** Such as {@code 0.1.0}. */
  public static String version() {
    try (var in = Version.class.getResourceAsStream("version.properties")) {
      var properties = new Properties();
      properties.load(in);
      return properties.getProperty("version");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
