package org.bitdiffusion.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.Callable;
import org.bitdiffusion.DataException;
import org.bitdiffusion.metrics.KernelDistance;
import org.bitdiffusion.modality.image.FeatureStatistics;
import org.bitdiffusion.modality.image.ImageFeatures;
import org.bitdiffusion.modality.image.ImageFiles;
import org.bitdiffusion.modality.image.InceptionFeatures;
import org.bitdiffusion.modality.image.InceptionV3;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** FID of two sets of images from anywhere. */
@Command(
    name = "fid",
    description = {
      "FID: the Frechet distance of the features of two sets of images. Each is a folder of images,"
          + " which are taken in their own size, or the statistics of one, the arrays mu and sigma"
          + " of an npz file.",
      "Images are read as pytorch-fid reads them: as stored, even if EXIF notes how to turn them;"
          + " profiles are not applied, transparency is left out, and 16 bits of grey are white"
          + " above 255.",
      "The literature takes 50,000 images. Fewer give a higher distance.",
      "Of two folders KID too, the unbiased distance by a kernel of degree 3, which few images do not"
          + " make higher: the mean over 100 random subsets of half of the smaller set, of 1,000 images"
          + " at most, and its standard error."
    })
final class FidCommand implements Callable<Integer> {
  /** Of red, green and blue in a batch: large images come fewer at a time. */
  private static final int MOST_BYTES = 1 << 26;

  /** Images of each set that KID's subsets are of; their features are held. */
  private static final int MOST_COMPARED = 10_000;

  @Spec private CommandSpec spec;

  @Parameters(
      index = "0",
      paramLabel = "IMAGES",
      description = "A folder of images, or an npz file of statistics.")
  private Path one;

  @Parameters(index = "1", paramLabel = "IMAGES", description = "Another.")
  private Path other;

  @Option(
      names = "--inception",
      required = true,
      paramLabel = "FILE",
      description = "The weights of FID's Inception-v3 as safetensors; README says how to get it.")
  private Path inception;

  @Mixin private BatchSizeOption batching;

  @Option(
      names = "--precision",
      paramLabel = "P",
      defaultValue = "float32",
      completionCandidates = Names.Precisions.class,
      description = "${COMPLETION-CANDIDATES} (default ${DEFAULT-VALUE}, as FID is defined).")
  private String precision;

  @Option(
      names = "--save",
      paramLabel = "FILE.npz",
      description = "Also writes the statistics of the first set.")
  private Path save;

  @Option(names = "--json", description = "Reports as JSON.")
  private boolean json;

  @Mixin private ThreadsOption threads;

  /**
   * A folder's images, or a file's statistics.
   *
   * @param files null where there are statistics
   * @param statistics null where there are files
   */
  private record ImagesOrStatistics(Path path, List<Path> files, FeatureStatistics statistics) {
    Integer count() {
      return files == null ? null : files.size();
    }

    @Override
    public String toString() {
      return files == null ? "a file" : "%,d images".formatted(files.size());
    }
  }

  @Override
  public Integer call() {
    batching.require();
    if (save != null) {
      Target.requireFile("--save", save, ".npz");
      for (var input : List.of(one, other, inception)) {
        Target.requireOther("--save", save, input);
      }
    }
    threads.apply();
    try (var features = InceptionFeatures.load(inception, precision)) {
      var a = open(features, one); // both, before hours are spent on one
      var b = open(features, other);
      var first = look(features, a);
      if (save != null) {
        first.statistics().write(save, features);
      }
      var second = look(features, b);
      report(a, b, first.statistics().frechetDistance(second.statistics()), kid(first, second));
    }
    return 0;
  }

  private ImagesOrStatistics open(InceptionFeatures features, Path set) {
    if (!Files.isDirectory(set)) {
      return new ImagesOrStatistics(set, null, FeatureStatistics.read(set, features));
    }
    var files = ImageFiles.below(set);
    if (files.size() < 2) {
      throw new DataException(
          "%s holds %d images; a covariance needs 2 at least".formatted(set, files.size()));
    }
    if (files.size() <= InceptionV3.FEATURES) {
      var warning = ImageFeatures.tooFew(set.toString(), files.size(), InceptionV3.FEATURES);
      spec.commandLine().getErr().println("warning: " + warning);
    }
    return new ImagesOrStatistics(set, files, null);
  }

  /** Null where one of them is a file of statistics, or of less than four images. */
  private static KernelDistance kid(Looked one, Looked other) {
    var least = KernelDistance.FEWEST * InceptionV3.FEATURES;
    return one.some().length < least || other.some().length < least
        ? null
        : KernelDistance.of(one.some(), other.some(), InceptionV3.FEATURES, 0);
  }

  private void report(ImagesOrStatistics a, ImagesOrStatistics b, double fid, KernelDistance kid) {
    var out = spec.commandLine().getOut();
    if (json) {
      var report = new LinkedHashMap<String, Object>();
      report.put("fid", fid);
      if (kid != null) {
        report.put("kid", kid.mean());
        report.put("kid_standard_error", kid.standardError());
        report.put("kid_subsets", kid.subsets());
        report.put("images_of_each_subset", new Integer[] {kid.size(), kid.otherSize()});
      }
      report.put("images", new Integer[] {a.count(), b.count()});
      out.println(Json.line(report));
      return;
    }
    out.printf("FID %.4f of %s and %s%n", fid, a, b);
    if (kid != null) {
      out.printf(
          "KID %.6f, standard error %.6f, by %d subsets of %,d images%n",
          kid.mean(), kid.standardError(), kid.subsets(), kid.size());
    }
  }

  /**
   * What the network makes of a set.
   *
   * @param some features of images evenly from all, row-major [N, D]; none of statistics
   */
  @SuppressWarnings("ArrayRecordComponent") // for computing, not for comparing
  private record Looked(FeatureStatistics statistics, float[] some) {}

  private Looked look(InceptionFeatures features, ImagesOrStatistics set) {
    if (set.statistics() != null) {
      return new Looked(set.statistics(), new float[0]);
    }
    var files = set.files();
    var some = new float[Math.min(MOST_COMPARED, files.size()) * InceptionV3.FEATURES];
    var builder = new FeatureStatistics.Builder(InceptionV3.FEATURES);
    try (var progress = new Progress("looking", files.size(), 0, spec.commandLine().getErr())) {
      var batch = new ArrayList<ImageFiles.Rgb>(); // all of one size
      for (var i = 0; i < files.size(); i++) {
        var image = ImageFiles.whole(files.get(i));
        if (!batch.isEmpty() && !fits(image, batch)) {
          add(features(features, batch), builder, some, files.size());
          batch.clear();
        }
        batch.add(image);
        if (batch.size() == batching.size() || i == files.size() - 1) {
          add(features(features, batch), builder, some, files.size());
          batch.clear();
          progress.to(i + 1, set.path().toString());
        }
      }
    }
    return new Looked(builder.build(), some);
  }

  /** Adds rows to the statistics, and keeps those whose turn it is, evenly from all. */
  private static void add(
      float[] rows, FeatureStatistics.Builder builder, float[] some, int files) {
    var size = InceptionV3.FEATURES;
    var compared = some.length / size;
    for (var i = 0; i < rows.length / size; i++) {
      var image = builder.count() + i;
      var next = (image * compared + files - 1) / files; // the least whose turn is not before
      if (next < compared && next * files / compared == image) {
        System.arraycopy(rows, i * size, some, (int) next * size, size);
      }
    }
    builder.add(rows);
  }

  /** Whether an image has the size of those of a batch, and there is room for one more of it. */
  private static boolean fits(ImageFiles.Rgb image, List<ImageFiles.Rgb> batch) {
    return image.height() == batch.get(0).height()
        && image.width() == batch.get(0).width()
        && (batch.size() + 1L) * image.rgb().length <= MOST_BYTES;
  }

  private static float[] features(InceptionFeatures features, List<ImageFiles.Rgb> images) {
    var size = images.get(0).rgb().length;
    var all = new byte[images.size() * size];
    for (var i = 0; i < images.size(); i++) {
      System.arraycopy(images.get(i).rgb(), 0, all, i * size, size);
    }
    return features.of(all, images.get(0).height(), images.get(0).width()).features();
  }
}
