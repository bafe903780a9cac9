package org.bitdiffusion.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.io.Npy;
import org.bitdiffusion.modality.Modality;

/** The files of public data sets, and lists of captioned images. */
final class DataSets {
  private static final byte[] PICTURE = Pictures.bytes("png", BufferedImage.TYPE_INT_RGB);

  static final List<Target> TARGETS =
      List.of(
          Target.file("idx", "a.idx", List.of(idx(), gzip(idx())), file -> open("idx:" + file)),
          Target.of("idx-labels", List.of(labels(), gzip(labels())), DataSets::idxLabels),
          Target.file(
              "cifar10",
              "cifar10/test_batch.bin",
              List.of(new byte[3073], new byte[2 * 3073]),
              file -> open("cifar10:" + file.getParent() + ",split=test")),
          Target.file(
              "cifar100",
              "cifar100/test.bin",
              List.of(new byte[3074]),
              file -> open("cifar100:" + file.getParent() + ",split=test")),
          Target.file(
              "cifar-names",
              "names/batches.meta.txt",
              List.of("airplane\ncat\n1\n2\n3\n4\n5\n6\n7\n8\n".getBytes(UTF_8)),
              DataSets::cifarNames),
          Target.of(
              "imagenet64",
              List.of(imageNet(ZipEntry.STORED), imageNet(ZipEntry.DEFLATED)),
              DataSets::imageNet),
          Target.file(
              "captions",
              "a.jsonl",
              List.of(
                  """
                  {"image": "a.png", "caption": "a dog"}
                  {"image": "a.png", "captions": ["a dog", "two \\u0064ogs"]}
                  """
                      .getBytes(UTF_8)),
              beside(file -> open("captions:" + file + ",size=4"))),
          Target.file(
              "coco",
              "coco/annotations/captions_train2017.json",
              List.of(
                  """
                  {"info": {"year": 2017}, "images": [{"id": 1, "file_name": "a.png"}],
                   "annotations": [{"id": 7, "image_id": 1, "caption": "a dog"}]}
                  """
                      .getBytes(UTF_8)),
              DataSets::coco),
          Target.file(
              "emoji",
              "emoji/pack/emoji.json",
              List.of(
                  """
                  [{"unified": "1F44D", "name": "THUMBS UP", "image": "a.png", "has_img_x": true,
                    "skin_variations": {"1F3FB": {"image": "a.png", "has_img_x": true}}}]
                  """
                      .getBytes(UTF_8)),
              DataSets::emoji),
          Target.file("packed", "a.pack", packed(), file -> open("packed:" + file)));

  private DataSets() {}

  private static void open(String source) {
    try (var opened = Modality.plan(DataSpec.parse(source)).open()) {
      var symbols = new int[opened.schema().space().places()];
      for (var i = 0; i < Math.min(3, opened.size()); i++) {
        opened.read(i, 0, symbols, 0);
      }
    }
  }

  private static byte[] idx() {
    return ByteBuffer.allocate(16 + 12).putInt(0x803).putInt(2).putInt(2).putInt(3).array();
  }

  private static byte[] labels() {
    return ByteBuffer.allocate(8 + 2).putInt(0x801).putInt(2).array();
  }

  private static byte[] gzip(byte[] bytes) {
    var out = new ByteArrayOutputStream();
    try (var gzip = new GZIPOutputStream(out)) {
      gzip.write(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  private static void idxLabels(byte[] input, Path folder) throws IOException {
    Files.write(folder.resolve("train-images-idx3-ubyte"), idx());
    Files.write(folder.resolve("train-labels-idx1-ubyte"), input);
    open("idx:" + folder);
  }

  private static void cifarNames(Path file) {
    write(file.resolveSibling("test_batch.bin"), new byte[3073]);
    open("cifar10:" + file.getParent() + ",split=test");
  }

  private static void write(Path file, byte[] bytes) {
    try {
      Files.createDirectories(file.getParent());
      if (!Files.exists(file)) {
        Files.write(file, bytes);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] imageNet(int method) {
    var out = new ByteArrayOutputStream();
    try (var zip = new ZipOutputStream(out)) {
      var images = IntStream.range(0, 12_288).map(i -> i & 255).toArray();
      add(zip, "data.npy", method, images, new int[] {1, 12_288}, 256);
      add(zip, "labels.npy", method, new int[] {1000}, new int[] {1}, 1001);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  private static void add(
      ZipOutputStream zip, String name, int method, int[] values, int[] shape, int categories)
      throws IOException {
    var bytes = Arrays.written(".npy", file -> Npy.write(file, values, shape, categories));
    var entry = new ZipEntry(name);
    var checksum = new CRC32();
    checksum.update(bytes);
    entry.setMethod(method);
    entry.setTime(0);
    if (method == ZipEntry.STORED) {
      entry.setSize(bytes.length);
      entry.setCrc(checksum.getValue());
    }
    zip.putNextEntry(entry);
    zip.write(bytes);
    zip.closeEntry();
  }

  private static void imageNet(byte[] input, Path folder) throws IOException {
    try (var old = Files.newDirectoryStream(folder)) { // what was unpacked of the one before
      for (var file : old) {
        Files.delete(file);
      }
    }
    Files.write(folder.resolve("train.npz"), input);
    open("imagenet64:" + folder);
  }

  /** A reader of a list of images, one of which is there. */
  private static java.util.function.Consumer<Path> beside(
      java.util.function.Consumer<Path> reader) {
    return file -> {
      write(file.resolveSibling("a.png"), PICTURE);
      reader.accept(file);
    };
  }

  private static void coco(Path file) {
    var folder = file.getParent().getParent();
    write(folder.resolve("train2017/a.png"), PICTURE);
    open("coco:" + folder + ",size=4");
  }

  /** Images with captions, and with classes. */
  private static List<byte[]> packed() {
    try {
      var folder = Files.createTempDirectory("bitdiff-fuzz-");
      write(folder.resolve("a.png"), PICTURE);
      var lines = folder.resolve("a.jsonl");
      write(
          lines, "{\"image\": \"a.png\", \"captions\": [\"a dog\", \"two dogs\"]}".getBytes(UTF_8));
      var batch = folder.resolve("test_batch.bin");
      write(batch, new byte[2 * 3073]);
      var seeds = new ArrayList<byte[]>();
      for (var source :
          List.of("captions:" + lines + ",size=4", "cifar10:" + folder + ",split=test,size=4")) {
        seeds.add(Arrays.written(".pack", file -> pack(DataSpec.parse(source), file)));
      }
      for (var file : List.of(folder.resolve("a.png"), lines, batch, folder)) {
        Files.delete(file);
      }
      return seeds;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void pack(DataSpec source, Path file) {
    try (var opened = Modality.plan(source).open()) {
      Modality.ofSource(source).modality().pack(opened, file);
    }
  }

  private static void emoji(Path file) {
    write(file.resolveSibling("img/x/64/a.png"), PICTURE);
    open("emoji:" + file.getParent().getParent() + ",hold_out=emoji,size=4");
  }
}
