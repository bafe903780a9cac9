package org.bitdiffusion.cli;

import java.awt.AWTError;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.DoubleStream;
import org.bitdiffusion.DataException;
import org.bitdiffusion.io.Png;
import org.bitdiffusion.io.WholeFile;
import org.bitdiffusion.storage.Metrics;
import org.bitdiffusion.training.HeldOutLoss;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Charts as PNG files; a {@link DataException} says why one cannot be painted or written. */
final class Charts {
  /** Letters that find room side by side below a study's plot. */
  private static final int STUDY_LABELS = 90;

  private static final double LEAST_SHARE = 1e-6;

  private Charts() {}

  /**
   * Paints a chart that nobody sees: before long work, so that a Java that cannot paint says so
   * then and not after the first hour, and has loaded what it paints with.
   */
  static void rehearse() {
    var chart = chart("Loss", "step", "loss");
    chart.addSeries("none", new double[] {0, 1}, new double[] {1, 0});
    paint(Path.of("loss.png"), chart);
  }

  /**
   * The loss by step, as it was logged and smoothed, and of what is held out; no chart where
   * nothing was logged yet.
   */
  static void loss(Path file, List<Metrics> history) {
    if (history.isEmpty()) {
      return;
    }
    var steps = history.stream().mapToDouble(Metrics::step).toArray();
    var loss = history.stream().mapToDouble(Metrics::loss).toArray();
    var chart = chart("Loss", "step", "loss");
    var styler = chart.getStyler();
    var heldOut =
        history.stream().filter(line -> line.measures().containsKey(HeldOutLoss.NAME)).toList();
    var heldOutLoss =
        heldOut.stream().mapToDouble(line -> line.measures().get(HeldOutLoss.NAME)).toArray();
    var range =
        DoubleStream.concat(Arrays.stream(loss), Arrays.stream(heldOutLoss)).summaryStatistics();
    if (range.getMin() > 0 && range.getMax() / range.getMin() > 30) {
      styler.setYAxisLogarithmic(true);
    } else {
      styler.setYAxisMin(Math.min(0, range.getMin()));
      styler.setYAxisDecimalPattern("0.####"); // with a zero before the point
    }
    styler.setXAxisMin(0.0);
    // Where a falling loss leaves room, and one that rises in the end too.
    styler.setLegendPosition(Styler.LegendPosition.InsideSW);
    styler.setMarkerSize(5);
    if (loss.length < FEWEST_SMOOTHED) {
      addPoints(chart, "training", steps, loss, new Color(0x1f4e79));
    } else {
      addLine(chart, "training, each line of metrics.jsonl", steps, loss, new Color(0xb0c4de));
      addLine(chart, "training, smoothed", steps, smoothed(loss), new Color(0x1f4e79));
    }
    if (!heldOut.isEmpty()) {
      var at = heldOut.stream().mapToDouble(Metrics::step).toArray();
      addPoints(chart, "held out, at checkpoints", at, heldOutLoss, new Color(0xc05a1c));
    }
    write(file, chart);
  }

  private static XYSeries addLine(XYChart chart, String name, double[] x, double[] y, Color color) {
    var series = chart.addSeries(name, x, y);
    series.setLineColor(color);
    series.setMarker(SeriesMarkers.NONE);
    return series;
  }

  /** A line of few points, of which a single one is seen as well. */
  private static void addPoints(XYChart chart, String name, double[] x, double[] y, Color color) {
    addLine(chart, name, x, y, color).setMarker(SeriesMarkers.CIRCLE).setMarkerColor(color);
  }

  /** Of fewer values the mean of each and its neighbours is the value itself. */
  private static final int FEWEST_SMOOTHED = 40;

  /** The mean of each value and those around it, over a twentieth of all, less at the ends. */
  private static double[] smoothed(double[] values) {
    var means = new double[values.length];
    for (var i = 0; i < values.length; i++) {
      var around = Math.min(values.length / FEWEST_SMOOTHED, Math.min(i, values.length - 1 - i));
      means[i] = Arrays.stream(values, i - around, i + around + 1).average().orElseThrow();
    }
    return means;
  }

  /**
   * How often each value occurs among generated analog bits: figure 7 of the paper.
   *
   * @param limit of the values, in [-limit, limit]
   * @param counts of as many bins from -limit to limit
   */
  static void analogBits(Path file, double limit, long[] counts) {
    var bins = counts.length;
    var total = (double) Arrays.stream(counts).sum();
    var x = new double[bins + 1];
    var y = new double[bins + 1];
    for (var i = 0; i <= bins; i++) {
      x[i] = (2.0 * i / bins - 1) * limit;
      // The last edge closes the last step; a logarithmic axis has no zero.
      y[i] = Math.max(counts[Math.min(i, bins - 1)] / total, LEAST_SHARE);
    }
    var chart = chart("Generated analog bits", "value", "share of all (logarithmic)");
    chart.getStyler().setDefaultSeriesRenderStyle(XYSeries.XYSeriesRenderStyle.Step);
    chart.getStyler().setLegendVisible(false);
    chart.getStyler().setYAxisLogarithmic(true);
    chart.addSeries("share", x, y).setLineColor(new Color(0x1f4e79));
    write(file, chart);
  }

  /** The first metric of a study: bars of each variant, over the ways to sample. */
  static void study(Path file, Study study, String asked, List<StudyResults.Result> results) {
    var metric = study.metrics().get(0);
    var chart =
        new CategoryChartBuilder()
            .width(900)
            .height(500)
            .title(Visible.of(study.title()))
            .yAxisTitle(Visible.of(metric))
            .xAxisTitle(Visible.of(asked))
            .build();
    var styler = chart.getStyler();
    styler.setChartBackgroundColor(Color.WHITE);
    styler.setYAxisDecimalPattern("0.####");
    // Ways to sample side by side; where there is one, the variants.
    var ways = List.copyOf(study.ways().keySet());
    if (ways.size() == 1) {
      addSeries(
          chart,
          metric,
          List.copyOf(study.variants().keySet()),
          variant -> StudyResults.summary(results, variant, ways.get(0), metric));
      styler.setLegendVisible(false);
    } else {
      for (var variant : study.variants().keySet()) {
        addSeries(chart, variant, ways, way -> StudyResults.summary(results, variant, way, metric));
      }
    }
    var labels = ways.size() == 1 ? study.variants().keySet() : study.ways().keySet();
    if (labels.stream().mapToInt(String::length).sum() > STUDY_LABELS) {
      styler.setXAxisLabelRotation(30);
    }
    if (!chart.getSeriesMap().isEmpty()) {
      write(file, chart);
    }
  }

  /** Bars with their spread, of what is known so far. */
  private static void addSeries(
      CategoryChart chart,
      String name,
      List<String> labels,
      Function<String, StudyResults.Summary> summary) {
    var known = labels.stream().filter(label -> summary.apply(label) != null).toList();
    if (!known.isEmpty()) {
      chart.addSeries(
          Visible.of(name),
          known.stream().map(Visible::of).toList(),
          known.stream().map(label -> summary.apply(label).mean()).toList(),
          known.stream().map(label -> summary.apply(label).deviation()).toList());
    }
  }

  private static XYChart chart(String title, String xTitle, String yTitle) {
    var chart =
        new XYChartBuilder()
            .width(900)
            .height(500)
            .title(title)
            .xAxisTitle(xTitle)
            .yAxisTitle(yTitle)
            .build();
    chart.getStyler().setMarkerSize(0);
    chart.getStyler().setXAxisDecimalPattern("0.##");
    chart.getStyler().setChartBackgroundColor(Color.WHITE);
    return chart;
  }

  private static void write(Path file, Chart<? extends AxesChartStyler, ?> chart) {
    var png = Png.of(paint(file, chart));
    WholeFile.write(file, out -> out.write(png));
  }

  private static BufferedImage paint(Path file, Chart<? extends AxesChartStyler, ?> chart) {
    try {
      var small = ChartFont.of(13);
      var styler = chart.getStyler();
      styler.setBaseFont(small);
      styler.setChartTitleFont(ChartFont.of(18));
      styler.setLegendFont(small);
      styler.setAxisTitleFont(ChartFont.of(15));
      styler.setAxisTickLabelsFont(small);
      return BitmapEncoder.getBufferedImage(chart);
    } catch (DataException e) {
      throw new DataException(file + " cannot be painted: " + e.getMessage(), e);
    } catch (LinkageError | InternalError | AWTError e) {
      // What a Java without its own libraries for fonts and painting throws.
      var reason = e.toString().lines().findFirst().orElse("");
      throw new DataException(
          "%s cannot be painted, as this Java cannot paint text (%s)".formatted(file, reason), e);
    }
  }
}
