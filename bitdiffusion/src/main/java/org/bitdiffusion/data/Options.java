package org.bitdiffusion.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;

/** The options of a {@link DataSpec}, read one by one, so that unknown ones can be named. */
final class Options {
  private final DataSpec spec;
  private final Set<String> known = new LinkedHashSet<>();

  Options(DataSpec spec) {
    this.spec = spec;
  }

  int integer(String key, int otherwise, int least, int most) {
    known.add(key);
    var text = spec.options().get(key);
    if (text == null) {
      return otherwise;
    }
    try {
      var value = Integer.parseInt(text);
      if (value >= least && value <= most) {
        return value;
      }
    } catch (NumberFormatException e) {
      // reported below
    }
    throw new ConfigurationException(
        "data %s: %s is '%s'; it must be a whole number from %d to %d"
            .formatted(spec.source(), key, text, least, most));
  }

  String word(String key, String otherwise, String... allowed) {
    known.add(key);
    var text = spec.options().getOrDefault(key, otherwise);
    if (!List.of(allowed).contains(text)) {
      throw new ConfigurationException(
          "data %s: %s is '%s'; it must be one of %s"
              .formatted(spec.source(), key, text, String.join(", ", allowed)));
    }
    return text;
  }

  boolean given(String key) {
    return spec.options().containsKey(key);
  }

  /** The path, which must exist. */
  Path path() {
    if (spec.path() == null) {
      throw new ConfigurationException(
          "data %s needs a path: %s:PATH".formatted(spec.source(), spec.source()));
    }
    var path = Path.of(spec.path());
    if (!Files.exists(path)) {
      throw new DataException("data %s: %s does not exist".formatted(spec.source(), path));
    }
    return path;
  }

  /** The path, which must be a folder. */
  Path folder() {
    var path = path();
    if (!Files.isDirectory(path)) {
      throw new DataException(
          "data %s: %s is no folder; name the folder of the files".formatted(spec.source(), path));
    }
    return path;
  }

  /** To be called when all options were read. */
  void rejectOthers() {
    for (var key : spec.options().keySet()) {
      if (!known.contains(key)) {
        throw new ConfigurationException(
            "data %s has no option '%s'; it has %s"
                .formatted(spec.source(), key, String.join(", ", known)));
      }
    }
  }
}
