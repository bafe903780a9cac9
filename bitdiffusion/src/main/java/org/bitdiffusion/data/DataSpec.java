package org.bitdiffusion.data;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.bitdiffusion.ConfigurationException;

/**
 * A data source in one line: {@code SOURCE[:PATH][,key=value...]}, such as {@code
 * images:photos,size=64,flip=true}. {@code toString} gives the line back.
 *
 * @param source name of the kind of source
 * @param path of its file or folder, or null
 * @param options in the order given
 */
public record DataSpec(String source, String path, Map<String, String> options) {
  private static final Pattern OPTION = Pattern.compile(",([a-z_]+)=([^,]*)$");

  public DataSpec {
    options = Collections.unmodifiableMap(new LinkedHashMap<>(options));
  }

  /**
   * Reads the line.
   *
   * @throws ConfigurationException if an option stands there twice or is no {@code key=value}
   */
  public static DataSpec parse(String line) {
    var rest = line;
    var reversed = new LinkedHashMap<String, String>();
    for (var option = OPTION.matcher(rest); option.find(); option = OPTION.matcher(rest)) {
      if (reversed.put(option.group(1), option.group(2)) != null) {
        throw new ConfigurationException(
            "data '" + line + "': option " + option.group(1) + " is given twice");
      }
      rest = rest.substring(0, option.start());
    }
    var options = new LinkedHashMap<String, String>();
    var keys = reversed.keySet().toArray(String[]::new);
    for (var i = keys.length - 1; i >= 0; i--) {
      options.put(keys[i], reversed.get(keys[i]));
    }
    var colon = rest.indexOf(':');
    var source = colon < 0 ? rest : rest.substring(0, colon);
    var path = colon < 0 ? null : rest.substring(colon + 1);
    if (!source.matches("[a-z][a-z0-9]*") || (path != null && path.isEmpty())) {
      throw new ConfigurationException(
          "data '"
              + line
              + "' is not of the form SOURCE[:PATH][,key=value...], such as"
              + " icons,size=24 or images:photos,size=64");
    }
    return new DataSpec(source, path, options);
  }

  /** This source with one more option. */
  public DataSpec with(String key, String value) {
    var more = new LinkedHashMap<>(options);
    more.put(key, value);
    return new DataSpec(source, path, more);
  }

  @Override
  public String toString() {
    return source
        + (path == null ? "" : ":" + path)
        + options.entrySet().stream()
            .map(option -> "," + option.getKey() + "=" + option.getValue())
            .collect(Collectors.joining());
  }
}
