package org.bitdiffusion.cli;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.concurrent.Callable;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.DataSources;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.data.ImageSource;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "data",
    description = "Shows what a data source yields: images, shape, categories, classes.",
    footer = {
      "",
      "Sources, with their options and defaults:",
      "  icons,size=24,levels=2",
      "  idx:FOLDER|FILE,split=train|test,size=AS_STORED,levels=256",
      "      MNIST and its family, gzip or not",
      "  cifar10:FOLDER,split=train|test,size=32,levels=256",
      "  cifar100:FOLDER,split=train|test,labels=fine|coarse,size=32,levels=256",
      "      the binary versions",
      "  imagenet64:FOLDER,split=train|val",
      "      the npz files of downsampled ImageNet",
      "  images:FOLDER,size=64,color=rgb|grey,levels=256,skip_bad=false",
      "  images:FOLDER,size=64,color=palette,palette=16,skip_bad=false",
      "      PNG, JPEG, GIF and BMP; sub-folders are classes",
      "With captions:",
      "  scenes,split=train|test,count=50000",
      "      made-up pictures of icons",
      "  captions:FILE.jsonl,size=224",
      "      lines of {\"image\": PATH, \"captions\": [TEXT, ...]}",
      "  coco:FOLDER,split=train|val,size=224",
      "      MS-COCO 2017",
      "  emoji:FOLDER,split=train|test,hold_out=vendor|emoji,size=64",
      "      unpacked npm packages emoji-datasource-VENDOR",
      "All take subset=N."
    })
final class DataCommand implements Callable<Integer> {
  /** Classes in a report for people. */
  private static final int LISTED = 100;

  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "SOURCE[:PATH][,key=value...]",
      description = "The source, such as icons or images:photos,size=64.")
  private String source;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FILE.png|FILE.npy|DIR",
      description = "A grid, the symbols as integers [N, C, H, W], or a folder of images.")
  private Path out;

  @Option(
      names = "--n",
      paramLabel = "N",
      description = "Number of images, evenly spread: 64 for a grid, else all.")
  private Integer n;

  @Option(names = "--skip-bad", description = "Leaves images out that cannot be read.")
  private boolean skipBad;

  @Option(names = "--json", description = "Reports as JSON.")
  private boolean json;

  @Override
  public Integer call() {
    ImageTarget.require("--out", out);
    var grid = Target.endsIn(out, ".png");
    if (n != null && n < 1) {
      throw new ConfigurationException("--n is " + n + "; it must be at least 1");
    }
    var data = DataSpec.parse(source);
    try (var images = DataSources.open(skipBad ? data.with("skip_bad", "true") : data)) {
      var count =
          n != null
              ? Math.min(n, images.size())
              : grid ? Math.min(64, images.size()) : images.size();
      write(images, count);
      report(images);
    }
    return 0;
  }

  private void write(ImageSource images, int count) {
    var size = images.format().symbols();
    ImageTarget.requireRoom(out, count, 1, size);
    var target = new ImageTarget(out, images.format(), count);
    var image = new int[size];
    for (var i = 0; i < count; i++) {
      images.read((int) ((long) i * images.size() / count), image, 0);
      target.add(image);
    }
    target.finish();
  }

  private void report(ImageSource images) {
    var counts = new int[images.classes().size()];
    for (var i = 0; i < images.size(); i++) {
      if (images.label(i) >= 0) {
        counts[images.label(i)]++;
      }
    }
    var writer = spec.commandLine().getOut();
    if (json) {
      var classes = new LinkedHashMap<String, Integer>();
      for (var c = 0; c < counts.length; c++) {
        classes.put(images.classes().get(c), counts[c]);
      }
      var report = new LinkedHashMap<String, Object>();
      report.put("source", images.name());
      report.put("examples", images.size());
      report.put("shape", images.shape());
      report.put("categories", images.categories());
      report.put("palette", images.format().palette().stream().map("%06x"::formatted).toList());
      report.put("classes", classes);
      report.put("out", out.toString());
      writer.println(Json.line(report));
      return;
    }
    writer.printf(
        "%s: %d examples of shape %s, K = %d%n",
        images.name(), images.size(), Arrays.toString(images.shape()), images.categories());
    for (var c = 0; c < Math.min(counts.length, LISTED); c++) {
      writer.printf("  class %d %s: %d%n", c, images.classes().get(c), counts[c]);
    }
    if (counts.length > LISTED) {
      writer.printf("  and %d classes more; --json lists all%n", counts.length - LISTED);
    }
    writer.printf("shown in %s%n", out);
  }
}
