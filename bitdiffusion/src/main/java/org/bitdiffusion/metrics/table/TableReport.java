package org.bitdiffusion.metrics.table;

import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.bitdiffusion.metrics.table.Values.Categories;
import org.bitdiffusion.metrics.table.Values.Numbers;

/**
 * Two tables beside each other as one HTML page that needs nothing else: the measures, a picture of
 * each column, and one of the scores of all pairs. Names and values of the tables are escaped.
 */
public final class TableReport {
  private static final List<String> BESIDE = List.of("independent", "smote", "data");

  private static final int WIDTH = 330;
  private static final int LABELS = 120;
  private static final int HEIGHT = 120;
  private static final int BINS = 24;
  private static final int MOST_BARS = 12;
  private static final int MOST_LETTERS = 18;

  /** The most columns of the picture of pairs: those that are worst. */
  private static final int MOST_COLUMNS = 40;

  private static final String REAL = "#8fb2d6";
  private static final String SYNTHETIC = "#d3631c";

  private static final String STYLE =
      """
      body { font: 14px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 1080px; padding: 0 1em; color: #222; background: #fff }
      table { border-collapse: collapse } td, th { padding: .2em .8em; text-align: right; border-bottom: 1px solid #ddd }
      td:first-child, th:first-child { text-align: left } figure { display: inline-block; margin: .6em; vertical-align: top }
      figcaption { font-weight: 600 } figcaption span { font-weight: 400; color: #666 } svg text { font: 11px system-ui, sans-serif; fill: #444 }
      .r { fill: %s } .s { fill: %s } .l { fill: none; stroke: %s; stroke-width: 1.6 } .k { display: inline-block; width: 1em; height: 1em; vertical-align: -.15em }
      """
          .formatted(REAL, SYNTHETIC, SYNTHETIC);

  /** How values are written. */
  public interface Texts {
    /**
     * A value as a person reads it.
     *
     * @param column its place
     * @param value a number, or the code of a category; neither is missing
     */
    String of(int column, double value);
  }

  private final Table real;
  private final Table synthetic;
  private final Texts texts;
  private final StringBuilder page = new StringBuilder();

  private TableReport(Table real, Table synthetic, Texts texts) {
    this.real = real;
    this.synthetic = synthetic;
    this.texts = texts;
  }

  /**
   * The page, in UTF-8.
   *
   * @param title what it is of
   * @param measures of {@link TableMeasures}, or others by name
   * @throws org.bitdiffusion.DataException if the columns are not alike
   */
  public static String html(
      String title, Table real, Table synthetic, Map<String, Double> measures, Texts texts) {
    var report = new TableReport(real, synthetic, texts);
    report.write(title, measures);
    return report.page.toString();
  }

  private void write(String title, Map<String, Double> measures) {
    var shape = Shape.of(real, synthetic);
    var trend = Trend.of(real, synthetic);
    add(
        """
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8"><title>%s</title>
        <style>%s</style></head><body>
        <h1>%s</h1>
        <p>%d real rows <span class="k" style="background:%s"></span> and %d synthetic ones <span class="k" style="background:%s"></span></p>
        """,
        escaped(title), STYLE, escaped(title), real.rows(), REAL, synthetic.rows(), SYNTHETIC);
    measures(measures);
    add("<h2>Columns</h2>\n<p>Beside each name its score: 1 is alike.</p>\n");
    for (var i = 0; i < real.columns().size(); i++) {
      add(
          "<figure><figcaption>%s <span>%s</span></figcaption>\n",
          escaped(real.names().get(i)), number(shape.scores()[i]));
      if (real.column(i) instanceof Numbers numbers) {
        histogram(i, numbers, (Numbers) synthetic.column(i));
      } else {
        bars(i, (Categories) real.column(i), (Categories) synthetic.column(i));
      }
      add("</figure>\n");
    }
    if (real.columns().size() > 1) {
      pairs(trend);
    }
    add("</body></html>\n");
  }

  private void add(String format, Object... arguments) {
    page.append(String.format(Locale.ROOT, format, arguments));
  }

  private void measures(Map<String, Double> measures) {
    if (measures.isEmpty()) {
      return;
    }
    var names = new LinkedHashSet<String>();
    for (var name : measures.keySet()) {
      names.add(
          BESIDE.stream()
              .filter(other -> name.endsWith("_of_" + other))
              .map(other -> name.substring(0, name.length() - other.length() - 4))
              .findFirst()
              .orElse(name));
    }
    add("<h2>Measures</h2>\n<table><tr><th></th><th>synthetic</th>");
    BESIDE.forEach(other -> add("<th>%s</th>", other));
    add("</tr>\n");
    for (var name : names) {
      add(
          "<tr><td>%s</td><td>%s</td>",
          escaped(name.replace('_', ' ')), number(measures.get(name)));
      BESIDE.forEach(other -> add("<td>%s</td>", number(measures.get(name + "_of_" + other))));
      add("</tr>\n");
    }
    add("</table>\n");
  }

  private static String number(Double value) {
    return value == null || value.isNaN() ? "–" : String.format(Locale.ROOT, "%.3f", value);
  }

  /** Real rows as bars, synthetic ones as a line; the outer bins hold all that lies beyond. */
  private void histogram(int column, Numbers one, Numbers other) {
    var both =
        Arrays.stream(new double[][] {one.present(), other.present()})
            .flatMapToDouble(Arrays::stream)
            .sorted()
            .toArray();
    if (both.length == 0) {
      add("<svg width=\"%d\" height=\"20\"><text y=\"14\">all missing</text></svg>\n", WIDTH);
      return;
    }
    var low = both[both.length / 100];
    var high = both[both.length - 1 - both.length / 100];
    if (low == high) {
      low = both[0];
      high = both[both.length - 1];
    }
    var bins = low == high ? 1 : BINS;
    var ofReal = shares(one, low, high, bins);
    var ofSynthetic = shares(other, low, high, bins);
    var most =
        Math.max(
            Arrays.stream(ofReal).max().orElseThrow(),
            Arrays.stream(ofSynthetic).max().orElseThrow());
    add("<svg width=\"%d\" height=\"%d\" role=\"img\">", WIDTH, HEIGHT + 18);
    var width = (double) WIDTH / (bins + 1.5);
    IntToDoubleFunction left = bin -> bin < bins ? bin * width : (bins + 0.5) * width;
    var line = new StringBuilder();
    for (var bin = 0; bin <= bins; bin++) {
      var height = HEIGHT * ofReal[bin] / most;
      add(
          "<rect class=\"r\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
          left.applyAsDouble(bin), HEIGHT - height, width * 0.92, height);
      var y = HEIGHT * (1 - ofSynthetic[bin] / most);
      line.append(
          String.format(
              Locale.ROOT,
              "%s%.1f %.1fh%.1f",
              bin == 0 || bin == bins ? "M" : "L",
              left.applyAsDouble(bin),
              y,
              width));
    }
    add(
        "<path class=\"l\" d=\"%s\"/><path d=\"M0 %d.5h%d\" stroke=\"#999\"/>",
        line, HEIGHT, WIDTH);
    add("<text x=\"0\" y=\"%d\">%s</text>", HEIGHT + 14, text(column, low));
    if (low != high) {
      add(
          "<text x=\"%.1f\" y=\"%d\" text-anchor=\"end\">%s</text>",
          bins * width, HEIGHT + 14, text(column, high));
    }
    if (ofReal[bins] + ofSynthetic[bins] > 0) {
      add("<text x=\"%d\" y=\"%d\" text-anchor=\"end\">missing</text>", WIDTH, HEIGHT + 14);
    }
    add("</svg>\n");
  }

  /** Of all rows; behind the bins the missing ones. */
  private static double[] shares(Numbers numbers, double low, double high, int bins) {
    var shares = new double[bins + 1];
    for (var value : numbers.values()) {
      var bin = Double.isNaN(value) ? bins : 0;
      if (!Double.isNaN(value) && high > low) {
        var place = (value - low) / (high - low) * bins;
        bin = (int) Math.max(0, Math.min(bins - 1, place));
      }
      shares[bin] += 1.0 / numbers.rows();
    }
    return shares;
  }

  private void bars(int column, Categories one, Categories other) {
    var ofReal = shares(one);
    var ofSynthetic = shares(other);
    var order =
        IntStream.range(0, ofReal.length)
            .filter(v -> ofReal[v] + ofSynthetic[v] > 0)
            .boxed()
            .sorted(
                (v, w) ->
                    Double.compare(
                        Math.max(ofReal[w], ofSynthetic[w]), Math.max(ofReal[v], ofSynthetic[v])))
            .toList();
    var shown = order.size() <= MOST_BARS ? order : order.subList(0, MOST_BARS - 1);
    var rest = order.subList(shown.size(), order.size());
    var most = order.stream().mapToDouble(v -> Math.max(ofReal[v], ofSynthetic[v])).max().orElse(1);
    var restOfReal = rest.stream().mapToDouble(v -> ofReal[v]).sum();
    var restOfSynthetic = rest.stream().mapToDouble(v -> ofSynthetic[v]).sum();
    most = Math.max(most, Math.max(restOfReal, restOfSynthetic));
    add(
        "<svg width=\"%d\" height=\"%d\" role=\"img\">",
        WIDTH, 18 * (shown.size() + (rest.isEmpty() ? 0 : 1)) + 4);
    var y = 0;
    for (var v : shown) {
      var label = v == one.count() ? "missing" : text(column, v);
      bar(y, label, ofReal[v], ofSynthetic[v], most);
      y += 18;
    }
    if (!rest.isEmpty()) {
      bar(y, rest.size() + " others", restOfReal, restOfSynthetic, most);
    }
    add("</svg>\n");
  }

  private static double[] shares(Categories categories) {
    var rows = Math.max(1, categories.rows());
    return Arrays.stream(categories.counts()).mapToDouble(n -> (double) n / rows).toArray();
  }

  private void bar(int y, String label, double ofReal, double ofSynthetic, double most) {
    var width = WIDTH - LABELS;
    add(
        "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>"
            + "<rect class=\"r\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"8\"><title>%.4f</title></rect>"
            + "<rect class=\"s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"5\"><title>%.4f</title></rect>",
        LABELS - 6,
        y + 13,
        label,
        LABELS,
        y + 3,
        width * ofReal / most,
        ofReal,
        LABELS,
        y + 11,
        width * ofSynthetic / most,
        ofSynthetic);
  }

  private void pairs(Trend trend) {
    var count = real.columns().size();
    var means = new double[count];
    for (var i = 0; i < count; i++) {
      means[i] = Shape.meanOf(trend.scores()[i]);
    }
    var columns =
        IntStream.range(0, count)
            .boxed()
            .sorted((i, j) -> Double.compare(means[i], means[j]))
            .limit(MOST_COLUMNS)
            .sorted()
            .toList();
    var cell = columns.size() > 20 ? 18 : 30;
    var size = cell * columns.size();
    add(
        "<h2>Pairs of columns</h2>\n<p>Trend: %s in the mean. Pale is alike%s.</p>\n",
        number(trend.mean()),
        columns.size() < count
            ? "; shown are the %d columns that are least so".formatted(columns.size())
            : "");
    add("<svg width=\"%d\" height=\"%d\" role=\"img\">", LABELS + size + 10, LABELS + size);
    for (var i = 0; i < columns.size(); i++) {
      var middle = LABELS + cell * i + cell / 2 + 4;
      var name = shortened(real.names().get(columns.get(i)));
      add("<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>", LABELS - 6, middle, name);
      add("<text transform=\"translate(%d %d) rotate(-60)\">%s</text>", middle, LABELS - 6, name);
      for (var j = 0; j < columns.size(); j++) {
        if (i != j) {
          var score = trend.scores()[columns.get(i)][columns.get(j)];
          add(
              "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"><title>%s, %s: %s</title></rect>",
              LABELS + cell * j,
              LABELS + cell * i,
              cell - 1,
              cell - 1,
              colour(score),
              escaped(real.names().get(columns.get(i))),
              escaped(real.names().get(columns.get(j))),
              number(score));
        }
      }
    }
    add("</svg>\n");
  }

  /** White at 1, dark at a half and below; grey where there is no score. */
  private static String colour(double score) {
    if (Double.isNaN(score)) {
      return "#ddd";
    }
    var far = Math.max(0, Math.min(1, 2 * (1 - score)));
    return "hsl(22 78%% %d%%)".formatted(Math.round(97 - 57 * Math.sqrt(far)));
  }

  private String text(int column, double value) {
    return shortened(texts.of(column, value));
  }

  private static String shortened(String text) {
    var letters = text.codePointCount(0, text.length());
    return escaped(
        letters <= MOST_LETTERS
            ? text
            : text.substring(0, text.offsetByCodePoints(0, MOST_LETTERS - 1)) + "…");
  }

  /** As text or the value of an attribute, without control characters. */
  private static String escaped(String text) {
    return text.codePoints()
        .mapToObj(
            c ->
                switch (c) {
                  case '&' -> "&amp;";
                  case '<' -> "&lt;";
                  case '>' -> "&gt;";
                  case '"' -> "&quot;";
                  case '\'' -> "&#39;";
                  default ->
                      Character.isISOControl(c) || (c >= 0xD800 && c <= 0xDFFF)
                          ? " "
                          : Character.toString(c);
                })
        .collect(Collectors.joining());
  }
}
