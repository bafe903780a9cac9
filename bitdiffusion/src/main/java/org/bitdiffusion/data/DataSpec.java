package org.bitdiffusion.data;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.bitdiffusion.ConfigurationException;

/**
 * A data source in one line: {@code SOURCE[:PATH][,key=value...]}, such as {@code icons}, {@code
 * icons,size=32,levels=16} or {@code images:photos,size=64,color=grey}. The line says all that is
 * needed to open the source again, so a run's configuration keeps just that; {@code toString} gives
 * it back.
 *
 * <p>Options are split off from the right, so a path may hold commas, colons and equals signs; only
 * what looks like {@code ,key=value} at its very end would be taken for an option.
 *
 * @param source name of the kind of source; {@code bitdiff data --help} lists them
 * @param path of its file or folder, or null
 * @param options in the order given
 */
public record DataSpec(String source, String path, Map<String, String> options) {
  private static final Pattern SOURCE = Pattern.compile("[a-z][a-z0-9_]*");
  private static final Pattern KEY = Pattern.compile("[a-z_]+");

  /** Twice the longest path of Linux; each option is looked for from the line's beginning. */
  private static final int LONGEST = 8192;

  private static final Pattern LAST_OPTION = Pattern.compile(",([a-z_]+)=([^,]*)$");

  /**
   * @throws ConfigurationException if {@link #parse} could not read the line back as the same
   */
  public DataSpec {
    options = Collections.unmodifiableMap(new LinkedHashMap<>(options));
    if (!SOURCE.matcher(source).matches()) {
      throw new ConfigurationException(
          "data source '" + source + "' is no name; SOURCE[:PATH][,key=value...] is expected");
    }
    if (path != null && (path.isEmpty() || LAST_OPTION.matcher(path).find())) {
      throw new ConfigurationException(
          path.isEmpty()
              ? "data " + source + " has an empty path; write " + source + ":PATH"
              : "data path '" + path + "' ends like an option; rename it");
    }
    if (path != null) {
      try {
        Objects.requireNonNull(Path.of(path)); // which complains of what is none
      } catch (InvalidPathException e) {
        throw new ConfigurationException(
            "data path '%s' is none: %s".formatted(path, e.getReason()), e);
      }
    }
    options.forEach(
        (key, value) -> {
          if (!KEY.matcher(key).matches() || value.contains(",")) {
            throw new ConfigurationException(
                "data option '%s=%s' is not of the form key=value".formatted(key, value));
          }
        });
    requireShort(line(source, path, options));
  }

  /**
   * Reads the line.
   *
   * @throws ConfigurationException if it has another form, an option twice, or more than 8,192
   *     characters
   */
  public static DataSpec parse(String line) {
    requireShort(line);
    var rest = line;
    var options = new ArrayList<Map.Entry<String, String>>();
    for (var option = LAST_OPTION.matcher(rest);
        option.find();
        option = LAST_OPTION.matcher(rest)) {
      options.add(Map.entry(option.group(1), option.group(2)));
      rest = rest.substring(0, option.start());
    }
    Collections.reverse(options);
    var byKey = new LinkedHashMap<String, String>();
    for (var option : options) {
      if (byKey.put(option.getKey(), option.getValue()) != null) {
        throw new ConfigurationException(
            "data '%s': option %s is given twice".formatted(line, option.getKey()));
      }
    }
    var colon = rest.indexOf(':');
    var source = colon < 0 ? rest : rest.substring(0, colon);
    if (!SOURCE.matcher(source).matches()) {
      throw new ConfigurationException(
          "data '%s' is not of the form SOURCE[:PATH][,key=value...], such as %s"
              .formatted(line, "icons,size=24 or images:photos,size=64"));
    }
    return new DataSpec(source, colon < 0 ? null : rest.substring(colon + 1), byKey);
  }

  private static void requireShort(String line) {
    if (line.length() > LONGEST) {
      throw new ConfigurationException(
          String.format(
              Locale.ROOT,
              "data '%s...' is longer than %,d characters",
              line.substring(0, 40),
              LONGEST));
    }
  }

  /** This source with one option added, or changed. */
  public DataSpec with(String key, String value) {
    var more = new LinkedHashMap<>(options);
    more.put(key, value);
    return new DataSpec(source, path, more);
  }

  @Override
  public String toString() {
    return line(source, path, options);
  }

  private static String line(String source, String path, Map<String, String> options) {
    return source
        + (path == null ? "" : ":" + path)
        + options.entrySet().stream()
            .map(option -> "," + option.getKey() + "=" + option.getValue())
            .collect(Collectors.joining());
  }
}
