package org.bitdiffusion.modality.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.data.SourceKind;
import org.bitdiffusion.modality.Modality;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ImageSourcesTest {
  @TempDir private Path folder;

  /** Opens a source that is described in one line. */
  static ImageSource open(String line) {
    return ImageSources.open(DataSpec.parse(line));
  }

  /** A source's examples are what its options say without any of its files. */
  static void assertAsExpected(String line, ImageSource source) {
    var spec = DataSpec.parse(line);
    var elsewhere = new DataSpec(spec.source(), spec.path() == null ? null : "no", spec.options());
    var expected = Modality.plan(elsewhere).expected();
    assertThat(source.schema().space()).as(line).isEqualTo(expected.space());
    assertThat(source.schema().end()).isEqualTo(expected.end());
  }

  /** The symbols of one example. */
  static int[] read(ImageSource source, int index) {
    var symbols = new int[source.format().symbols() + 2];
    symbols[0] = -7;
    symbols[symbols.length - 1] = -7;
    source.read(index, symbols, 1);
    assertThat(symbols[0]).isEqualTo(-7);
    assertThat(symbols[symbols.length - 1]).isEqualTo(-7);
    return Arrays.copyOfRange(symbols, 1, symbols.length - 1);
  }

  /** Reads by four threads at a time, each in an order of its own, are those of one thread. */
  static void assertSafeForSeveralThreads(ImageSource source) throws Exception {
    var expected = IntStream.range(0, source.size()).mapToObj(i -> read(source, i)).toList();
    var threads = Executors.newFixedThreadPool(4);
    try {
      var wrong =
          threads.invokeAll(
              LongStream.range(0, 4).mapToObj(seed -> wrongReads(source, expected, seed)).toList());
      for (var indexes : wrong) {
        assertThat(indexes.get()).as("examples that were read wrong").isEmpty();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private static Callable<int[]> wrongReads(ImageSource source, List<int[]> expected, long seed) {
    return () ->
        new Random(seed)
            .ints(200, 0, source.size())
            .filter(i -> !Arrays.equals(read(source, i), expected.get(i)))
            .toArray();
  }

  @Test
  void unknownSourcesAreAnsweredWithTheKnownOnes() {
    assertThatThrownBy(() -> open("icon"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "data source 'icon' is unknown; use icons, idx, cifar10, cifar100, imagenet64, images,"
                + " packed, scenes, captions, coco, emoji, table, jdbc or adult; did you mean icons?");
  }

  @ParameterizedTest
  @ValueSource(strings = {"idx", "cifar10", "cifar100", "imagenet64", "images"})
  void unknownOptionsAreFoundBeforeFilesAre(String source) {
    var known =
        switch (source) {
          case "idx" -> "split, size, levels, transpose, subset";
          case "cifar10" -> "split, size, levels, subset";
          case "cifar100" -> "split, labels, size, levels, subset";
          case "imagenet64" -> "split, subset";
          default -> "color, levels, size, skip_bad, subset";
        };
    assertThatThrownBy(() -> open(source + ":missing,sise=24"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("data %s:missing,sise=24 has no option 'sise'; it has %s", source, known);
  }

  @ParameterizedTest
  @ValueSource(strings = {"idx", "cifar10", "cifar100", "imagenet64", "images"})
  void missingAndEmptyFoldersAreNamed(String source) throws Exception {
    assertThatThrownBy(() -> open(source))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("data %s needs a path, as in %s:PATH", source, source);
    var missing = folder.resolve("missing");
    assertThatThrownBy(() -> open(source + ":" + missing))
        .isInstanceOf(DataException.class)
        .hasMessage("data %s: %s does not exist", source, missing);
    var empty = Files.createDirectories(folder.resolve("empty"));
    assertThatThrownBy(() -> open(source + ":" + empty))
        .isInstanceOf(DataException.class)
        .hasMessage(
            switch (source) {
              case "idx" -> empty + " has no file train-images-idx3-ubyte, with or without .gz";
              case "cifar10" ->
                  empty
                      + " has no file data_batch_1.bin; it must be the folder of the binary version";
              case "cifar100" ->
                  empty + " has no file train.bin; it must be the folder of the binary version";
              case "imagenet64" ->
                  empty + " holds no npz files of ImageNet 64x64 for the split train";
              default ->
                  empty + " holds no images; PNG, JPEG, GIF and BMP are read, also in sub-folders";
            });
    if (!source.equals("idx")) {
      var file = Files.createFile(folder.resolve("file"));
      assertThatThrownBy(() -> open(source + ":" + file))
          .isInstanceOf(DataException.class)
          .hasMessage("data %s: %s is a file; name the folder that holds it", source, file);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "icons,size=x            | icons: size is 'x'; it must be a whole number from 4 to 256",
        "icons,size=3            | icons: size is '3'; it must be a whole number from 4 to 256",
        "icons,size=257          | icons: size is '257'; it must be a whole number from 4 to 256",
        "icons,levels=257        | icons: levels is '257'; it must be a whole number from 2 to 256",
        "icons,subset=0          | icons: subset is '0'; it must be a whole number of at least 1",
        "icons:folder            | icons has no path; 'folder' must be left out",
        "idx:x,split=val         | idx: split is 'val'; it must be one of train, test",
        "cifar10:x,size=64       | cifar10: size is '64'; it must be a whole number from 1 to 32",
        "cifar100:x,labels=all   | cifar100: labels is 'all'; it must be one of fine, coarse",
        "imagenet64:x,split=test | imagenet64: split is 'test'; it must be one of train, val",
        "images:x,color=gray     | images: color is 'gray'; it must be one of rgb, grey, palette",
        "images:x,palette=1      | images: palette is '1'; it must be a whole number from 2 to 256",
        "images:x,palette=257    | images: palette is '257'; it must be a whole number from 2 to 256",
        "images:x,color=palette,palette=0 | images: palette is '0'; it must be a whole number from 2 to 256",
        "images:x,skip_bad=yes   | images: skip_bad is 'yes'; it must be one of false, true",
        "icons,skip_bad=true     | icons,skip_bad=true has no option 'skip_bad'; it has size, levels, families, subset",
        "images:x,color=rgb,palette=16 | images:x,color=rgb,palette=16 has no option 'palette'; it has color, levels, size, skip_bad, subset",
        "images:x,palette=16,levels=4  | images:x,palette=16,levels=4 has no option 'levels'; it has color, palette, size, skip_bad, subset",
      })
  void valuesOutOfRangeAreAnsweredWithTheRange(String line, String message) {
    assertThatThrownBy(() -> open(line))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("data " + message);
  }

  @Test
  void everySourceTellsHowItIsUsed() {
    assertThat(ImageSources.ALL).extracting(SourceKind::name).doesNotHaveDuplicates();
    for (var source : ImageSources.ALL) {
      var usage = source.usage();
      assertThat(usage).hasSizeGreaterThanOrEqualTo(2);
      var lines = usage.subList(0, usage.size() - 1); // then what it is
      assertThat(lines).allSatisfy(line -> assertThat(line).matches(source.name() + "[:,].*"));
      // All options are there but subset, which all sources have.
      var asked = new DataSpec(source.name(), null, Map.of());
      if (lines.get(0).startsWith(source.name() + ":")) {
        asked = new DataSpec(source.name(), "no", Map.of());
      }
      var told =
          lines.stream()
              .flatMap(line -> Pattern.compile(",([a-z_]+)=").matcher(line).results())
              .map(option -> option.group(1))
              .toList();
      assertThat(optionsOf(source, asked)).isSubsetOf(told);
      assertThat(told.isEmpty()).as(source.name()).isEqualTo(source.name().equals("packed"));
    }
  }

  /** The options that a source says it has, but for subset. */
  private static List<String> optionsOf(SourceKind source, DataSpec asked) {
    var line = asked + ",none=1";
    var message = catchThrowable(() -> Modality.plan(DataSpec.parse(line))).getMessage();
    assertThat(message).startsWith("data " + line + " has no option 'none'; it has ");
    var known = List.of(message.substring(message.lastIndexOf(" has ") + 5).split(", "));
    assertThat(known).as(source.name()).endsWith("subset");
    return known.subList(0, known.size() - 1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "icons",
        "icons,size=16,levels=7",
        "icons,size=8,subset=10",
        "scenes,count=5",
        "scenes,split=test,subset=3"
      })
  void whatIsAtHandIsAsExpected(String line) {
    try (var source = open(line)) {
      assertAsExpected(line, source);
      assertThat(source.schema()).isEqualTo(Modality.plan(DataSpec.parse(line)).expected());
    }
  }

  @Test
  void aSubsetIsSpreadEvenly() throws Exception {
    try (var all = open("icons,size=8");
        var some = open("icons,size=8,subset=100")) {
      assertThat(some.size()).isEqualTo(100);
      for (var i : new int[] {0, 1, 57, 99}) {
        var original = (int) ((long) i * all.size() / 100);
        assertThat(read(some, i)).isEqualTo(read(all, original));
        assertThat(some.captions(i)).isEqualTo(all.captions(original));
      }
      assertThat(some.captions(57)).containsExactly("launch");
      assertSafeForSeveralThreads(some);
    }
    assertThatThrownBy(() -> open("icons,size=8,subset=100000"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("data icons: subset is 100000, but there are only 5839 examples");
  }
}
