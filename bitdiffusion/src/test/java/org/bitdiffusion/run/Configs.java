package org.bitdiffusion.run;

import java.util.HashMap;
import java.util.Map;
import org.bitdiffusion.config.RunConfig;

/** Configurations of networks that are small enough for tests. */
public final class Configs {
  private static final Map<String, String> SMALL =
      Map.of(
          "network.width", "8",
          "network.multipliers", "[1]",
          "network.blocks", "1",
          "network.attention", "[]",
          "training.precision", "float32");

  private Configs() {}

  /** A preset with other settings, and with changes KEY=VALUE, which win over them. */
  public static RunConfig of(String preset, Map<String, String> settings, String... changes) {
    var all = new HashMap<>(settings);
    for (var change : changes) {
      var at = change.indexOf('=');
      all.put(change.substring(0, at), change.substring(at + 1));
    }
    return ConfigReader.preset(preset, all);
  }

  /** The preset icons with a U-Net as small as can be, in float32, and with other settings. */
  public static RunConfig smallUNet(Map<String, String> settings, String... changes) {
    var all = new HashMap<>(SMALL);
    all.putAll(settings);
    return of("icons", all, changes);
  }
}
