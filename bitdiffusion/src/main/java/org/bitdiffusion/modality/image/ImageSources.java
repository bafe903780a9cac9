package org.bitdiffusion.modality.image;

import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.data.Options;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.data.SourceKind;
import org.bitdiffusion.modality.Modality;

/**
 * The sources of images by name. All take {@code subset=N}: only N examples, evenly spread. {@code
 * levels} is K, the number of values of a pixel or sub-pixel: 256 keeps bytes as they are.
 */
public final class ImageSources {
  private static final int LARGEST = 4096;
  private static final String FIT = "fit";

  /** Sources of pictures of any shape that may become squares in either way. */
  private static final Set<String> OF_ANY_SHAPE = Set.of("captions", "coco");

  /** All of them; the last ones have captions. */
  public static final List<SourceKind> ALL =
      List.of(
          new Kind(
              "icons",
              List.of(
                  "icons,size=24,levels=2,families=0",
                  "about 5,800 icons, always at hand; families=N takes those whose name's first word"
                      + " at least N have, and that word as class"),
              ImageSources::icons),
          new Kind(
              "idx",
              List.of(
                  "idx:FOLDER|FILE,split=train|test,size=AS_STORED,levels=256,transpose=false",
                  "MNIST and its family, gzip or not; transpose=true for EMNIST, stored on its side"),
              ImageSources::idx),
          new Kind(
              "cifar10",
              List.of("cifar10:FOLDER,split=train|test,size=32,levels=256", "the binary version"),
              ImageSources::cifar10),
          new Kind(
              "cifar100",
              List.of(
                  "cifar100:FOLDER,split=train|test,labels=fine|coarse,size=32,levels=256",
                  "the binary version"),
              ImageSources::cifar100),
          new Kind(
              "imagenet64",
              List.of(
                  "imagenet64:FOLDER,split=train|val",
                  "the npz files of downsampled ImageNet (squashed to squares, classes in an order of their own; the paper's preparation is images:ILSVRC/train,size=64)"),
              ImageSources::imageNet64),
          new Kind(
              "images",
              List.of(
                  "images:FOLDER,size=64,color=rgb|grey,levels=256,skip_bad=false",
                  "images:FOLDER,size=64,color=palette,palette=16,skip_bad=false",
                  "PNG, JPEG, GIF and BMP; sub-folders are classes"),
              ImageSources::images),
          new Kind(
              "packed",
              List.of(
                  "packed:FILE.pack",
                  "what 'bitdiff data SOURCE --out FILE.pack' has read and packed, mapped into memory"),
              ImageSources::packed),
          new Kind(
              "scenes",
              List.of(
                  "scenes,split=train|test,count=50000",
                  "made-up pictures of icons, with captions"),
              ImageSources::scenes),
          new Kind(
              "captions",
              List.of(
                  "captions:FILE.jsonl,size=224,fit=pad|crop,skip_bad=false",
                  "lines of {\"image\": PATH, \"captions\": [TEXT, ...]}"),
              ImageSources::captions),
          new Kind(
              "coco",
              List.of(
                  "coco:FOLDER,split=train|val,size=224,fit=pad|crop,skip_bad=false",
                  "MS-COCO 2017, with captions"),
              ImageSources::coco),
          new Kind(
              "emoji",
              List.of(
                  "emoji:FOLDER,split=train|test,hold_out=vendor|emoji,size=64,skip_bad=false",
                  "unpacked npm packages emoji-datasource-VENDOR, with names"),
              ImageSources::emoji));

  private ImageSources() {}

  /** A source by its name, the lines of its help, and its options. */
  private record Kind(String name, List<String> usage, Function<Options, ImagePlan> options)
      implements SourceKind {
    @Override
    public ImagePlan plan(Options given) {
      var plan = options.apply(given);
      var subset = given.integer("subset", 0, 1, Integer.MAX_VALUE);
      return subset == 0 ? plan : plan.subset(name, subset);
    }
  }

  /**
   * Images that can be opened.
   *
   * @param classes as far as they are known
   */
  private record ImagePlan(ImageFormat format, List<String> classes, Supplier<ImageSource> opening)
      implements SourceKind.Plan {
    @Override
    public Schema expected() {
      return format.schema(classes);
    }

    @Override
    public ImageSource open() {
      return opening.get();
    }

    ImagePlan subset(String name, int subset) {
      return new ImagePlan(
          format,
          classes,
          () -> {
            var source = opening.get();
            var size = source.size();
            if (subset > size) {
              source.close();
              throw new ConfigurationException(
                  "data %s: subset is %d, but there are only %d examples"
                      .formatted(name, subset, size));
            }
            return new Subset(source, subset);
          });
    }
  }

  /**
   * Opens a source. All options are checked before any file is read.
   *
   * @throws ConfigurationException if there is no such source or option, or it is not of images
   * @throws org.bitdiffusion.DataException if its files are missing or damaged
   */
  public static ImageSource open(DataSpec spec) {
    return plan(spec).open();
  }

  /** A source whose pictures become squares as those of a run did, unless it says how. */
  public static DataSpec fitted(DataSpec spec, Fit fit) {
    return OF_ANY_SHAPE.contains(spec.source()) && !spec.options().containsKey(FIT)
        ? spec.with(FIT, fit.option())
        : spec;
  }

  private static ImagePlan plan(DataSpec spec) {
    if (Modality.ofSource(spec).source() instanceof Kind kind) {
      var options = new Options(spec);
      var plan = kind.plan(options);
      options.rejectOthers();
      return plan;
    }
    throw new ConfigurationException("data source '" + spec.source() + "' holds no images");
  }

  private static ImageFormat grey(int side, int levels) {
    return new ImageFormat(1, side, side, levels, List.of());
  }

  private static ImageFormat rgb(int side, int levels) {
    return new ImageFormat(3, side, side, levels, List.of());
  }

  private static List<String> numbers(int count) {
    return IntStream.range(0, count).mapToObj(Integer::toString).toList();
  }

  private static ImagePlan icons(Options options) {
    options.rejectPath();
    var size = options.integer("size", 24, 4, 256);
    var levels = options.integer("levels", 2, 2, 256);
    var families = options.integer("families", 0, 1, Integer.MAX_VALUE);
    return new ImagePlan(grey(size, levels), List.of(), () -> Icons.open(size, levels, families));
  }

  private static ImagePlan idx(Options options) {
    var split = options.word("split", "train", "train", "test");
    var splitGiven = options.given("split");
    var size = options.integer("size", 0, 1, LARGEST);
    var levels = options.integer("levels", 256, 2, 256);
    var transpose = options.word("transpose", "false", "false", "true").equals("true");
    return new ImagePlan(
        grey(size == 0 ? 28 : size, levels),
        numbers(10),
        () -> {
          var stored = Idx.open(options.path(), split, splitGiven);
          return (transpose ? stored.transposed() : stored).resized(size).quantized(levels);
        });
  }

  private static ImagePlan cifar10(Options options) {
    var split = options.word("split", "train", "train", "test");
    var size = options.integer("size", Cifar.SIDE, 1, Cifar.SIDE);
    var levels = options.integer("levels", 256, 2, 256);
    return new ImagePlan(
        rgb(size, levels),
        numbers(10),
        () -> Cifar.open10(options.folder(), split).resized(size).quantized(levels));
  }

  private static ImagePlan cifar100(Options options) {
    var split = options.word("split", "train", "train", "test");
    var labels = options.word("labels", "fine", "fine", "coarse");
    var size = options.integer("size", Cifar.SIDE, 1, Cifar.SIDE);
    var levels = options.integer("levels", 256, 2, 256);
    return new ImagePlan(
        rgb(size, levels),
        numbers(labels.equals("fine") ? 100 : 20),
        () -> Cifar.open100(options.folder(), split, labels).resized(size).quantized(levels));
  }

  private static ImagePlan imageNet64(Options options) {
    var split = options.word("split", "train", "train", "val");
    return new ImagePlan(
        rgb(64, 256), numbers(1000), () -> ImageNet64.open(options.folder(), split));
  }

  private static ImagePlan emoji(Options options) {
    var test = options.word("split", "train", "train", "test").equals("test");
    var holdOut = options.word("hold_out", "vendor", "vendor", "emoji");
    var size = options.integer("size", 64, 1, 64);
    var skipBad = skipBad(options);
    return new ImagePlan(
        rgb(size, 256),
        List.of(),
        () -> Emoji.open(options.folder(), size, test, holdOut, skipBad));
  }

  private static ImagePlan captions(Options options) {
    var settings = captioned(options);
    return new ImagePlan(
        rgb(settings.size(), 256), List.of(), () -> CaptionLines.open(options.path(), settings));
  }

  private static ImagePlan coco(Options options) {
    var split = options.word("split", "train", "train", "val");
    var settings = captioned(options);
    return new ImagePlan(
        rgb(settings.size(), 256), List.of(), () -> Coco.open(options.folder(), split, settings));
  }

  private static CaptionedFiles.Settings captioned(Options options) {
    var size = options.integer("size", 224, 1, LARGEST);
    var fit = options.word(FIT, Fit.PAD.option(), Fit.PAD.option(), Fit.CROP.option());
    return new CaptionedFiles.Settings(
        size, fit.equals(Fit.PAD.option()) ? Fit.PAD : Fit.CROP, skipBad(options));
  }

  private static boolean skipBad(Options options) {
    return options.word("skip_bad", "false", "false", "true").equals("true");
  }

  private static ImagePlan scenes(Options options) {
    options.rejectPath();
    var test = options.word("split", "train", "train", "test").equals("test");
    var count = options.integer("count", test ? 1000 : 50_000, 1, 100_000_000);
    return new ImagePlan(rgb(48, 256), List.of(), () -> Scenes.open(test, count));
  }

  private static ImagePlan packed(Options options) {
    return new ImagePlan(rgb(64, 256), List.of(), () -> PackedImages.open(options.path()));
  }

  private static ImagePlan images(Options options) {
    var color =
        options.word(
            "color", options.given("palette") ? "palette" : "rgb", "rgb", "grey", "palette");
    var categories =
        color.equals("palette")
            ? options.integer("palette", 16, 2, 256)
            : options.integer("levels", 256, 2, 256);
    var size = options.integer("size", 64, 1, LARGEST);
    var settings = new ImageFolder.Settings(size, color, categories, skipBad(options));
    return new ImagePlan(
        settings.format(), List.of(), () -> ImageFolder.open(options.folder(), settings));
  }
}
