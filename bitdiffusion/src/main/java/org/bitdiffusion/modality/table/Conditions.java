package org.bitdiffusion.modality.table;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.Registry;
import org.bitdiffusion.data.Allowed;
import org.bitdiffusion.data.Allowed.Span;
import org.bitdiffusion.modality.Renderer.Wanted;
import org.bitdiffusion.sampling.Known;

/**
 * Conditions on rows as people write them: {@code sex=Female,age=30..39,race=White|Black}. A value
 * is a single one, several with bars between, or a range with one or both ends, which are included.
 * What holds a comma, a bar or two dots stands in double quotes.
 */
final class Conditions {
  private static final String RANGE = "..";

  /** So many values of a column are named in messages. */
  private static final int NAMED = 12;

  private final Columns columns;
  private final List<Column> places;

  Conditions(Columns columns) {
    this.columns = columns;
    places = columns.places();
  }

  /**
   * @throws ConfigurationException if a column or a value is not there, or asked for twice
   */
  Wanted parse(String text) {
    var mask = new boolean[places.size()];
    var symbols = new int[places.size()];
    var allowed = new ArrayList<Allowed>();
    var seen = new HashSet<String>();
    for (var part : split(text, ',')) {
      var at = part.indexOf('=');
      if (at < 1) {
        throw new ConfigurationException(
            "'%s' is no condition; say COLUMN=VALUE, such as %s=%s"
                .formatted(part, places.get(0).name(), example(places.get(0))));
      }
      var column = columns.get(unquoted(part.substring(0, at).strip()));
      if (!seen.add(column.name())) {
        throw new ConfigurationException(
            "'%s' is asked for twice; give it once, such as %s=A|B"
                .formatted(column.name(), column.name()));
      }
      var place = places.indexOf(column);
      if (place < 0) {
        throw new ConfigurationException(
            "'%s' is %s, which is not learned and cannot be asked for"
                .formatted(column.name(), column.kind().text()));
      }
      var spans =
          split(part.substring(at + 1), '|').stream()
              .map(value -> span(column, value.strip()))
              .toList();
      var all = new Allowed(place, spans);
      var only = all.spans().get(0);
      if (all.spans().size() == 1 && only.from() == only.to()) {
        mask[place] = true;
        symbols[place] = only.from();
      } else {
        allowed.add(all);
      }
    }
    var known = seen.size() > allowed.size() ? new Known(mask, symbols, 1) : null;
    return new Wanted(Optional.ofNullable(known), allowed);
  }

  private static Span span(Column column, String text) {
    var range = text.startsWith("\"") ? -1 : text.indexOf(RANGE);
    if (range < 0) {
      var value = unquoted(text);
      var symbol = column.symbol(value);
      if (symbol < 0) {
        throw new ConfigurationException(missing(column, value));
      }
      return new Span(symbol, symbol);
    }
    if (!column.kind().isOrdered()) {
      throw new ConfigurationException(
          "%s=%s: '%s' is %s, whose values have no order; name them, such as %s=%s"
              .formatted(
                  column.name(),
                  text,
                  column.name(),
                  column.kind().text(),
                  column.name(),
                  example(column)));
    }
    var low = text.substring(0, range).strip();
    var high = text.substring(range + RANGE.length()).strip();
    var first = column.missing() + 1;
    var from = low.isEmpty() ? first : bound(column, low, true);
    var to = high.isEmpty() ? column.categories() - 1 : bound(column, high, false);
    if (from > to + 1) { // neighbours are of a range between two values
      throw new ConfigurationException(
          "%s=%s goes from more to less; write %s=%s%s%s"
              .formatted(column.name(), text, column.name(), high, RANGE, low));
    }
    if (from > to || !occurs(column, from, to)) {
      throw new ConfigurationException(
          "%s=%s: no value of '%s' is there; the data has %s to %s"
              .formatted(
                  column.name(),
                  text,
                  column.name(),
                  column.text(first),
                  column.text(column.categories() - 1)));
    }
    return new Span(from, to);
  }

  /** The first symbol that is not below a bound, or the last one that is not above it. */
  private static int bound(Column column, String text, boolean lower) {
    var bound = column.levels().value(text);
    if (Double.isNaN(bound)) {
      throw new ConfigurationException(
          "'%s' is no value of '%s', which is %s"
              .formatted(text, column.name(), column.kind().text()));
    }
    var low = column.missing() + 1;
    var high = column.categories(); // the first one that is not below, or that is above
    while (low < high) {
      var middle = (low + high) >>> 1;
      var value = column.levels().order(middle - column.missing() - 1);
      if (lower ? value < bound : value <= bound) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return lower ? low : low - 1;
  }

  private static boolean occurs(Column column, int from, int to) {
    var marginal = column.marginal();
    return IntStream.rangeClosed(marginal.segment(from), marginal.segment(to))
        .anyMatch(segment -> marginal.count(segment) > 0);
  }

  private static String missing(Column column, String value) {
    var marginal = column.marginal();
    if (marginal.segments() > 1000 || column.kind().isNumber()) {
      var nearest = column.nearestSymbol(value);
      return "'%s' has no value '%s'%s"
          .formatted(
              column.name(),
              value,
              nearest >= 0
                  ? "; the nearest is %s, and a range is written %s=A..B"
                      .formatted(column.text(nearest), column.name())
                  : "");
    }
    var names = IntStream.range(0, column.categories()).mapToObj(column::text).toList();
    return "'%s' has no value '%s'; it has %s%s%s"
        .formatted(
            column.name(),
            value,
            names.stream().limit(NAMED).collect(Collectors.joining(", ")),
            names.size() > NAMED ? " and %,d others".formatted(names.size() - NAMED) : "",
            Registry.didYouMean(value, names));
  }

  private static String example(Column column) {
    var marginal = column.marginal();
    var segment =
        IntStream.range(0, marginal.segments()).filter(i -> marginal.count(i) > 0).findFirst();
    return column.text(marginal.start(segment.orElse(0)));
  }

  /** The parts between separators that are not in quotes. */
  private static List<String> split(String text, char separator) {
    var parts = new ArrayList<String>();
    var from = 0;
    var quoted = false;
    for (var i = 0; i < text.length(); i++) {
      var c = text.charAt(i);
      quoted ^= c == '"';
      if (c == separator && !quoted) {
        parts.add(text.substring(from, i));
        from = i + 1;
      }
    }
    if (quoted) {
      throw new ConfigurationException("a quote is not closed in " + text);
    }
    parts.add(text.substring(from));
    return parts;
  }

  private static String unquoted(String text) {
    return text.length() >= 2 && text.startsWith("\"") && text.endsWith("\"")
        ? text.substring(1, text.length() - 1).replace("\"\"", "\"")
        : text;
  }
}
