package org.bitdiffusion.cli;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/**
 * What was looked at.
 *
 * @param found what is the case
 * @param advice what to do, or empty
 */
record Finding(String name, Status status, String found, String advice) {
  /** How a check ended: as it should; with something that costs speed; with something wrong. */
  enum Status {
    OK,
    WARN,
    FAIL;

    @JsonValue
    String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  static Finding ok(String name, String found) {
    return new Finding(name, Status.OK, found, "");
  }

  static Finding warn(String name, String found, String advice) {
    return new Finding(name, Status.WARN, found, advice);
  }

  static Finding fail(String name, String found, String advice) {
    return new Finding(name, Status.FAIL, found, advice);
  }
}
