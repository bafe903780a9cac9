package org.bitdiffusion;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.sun.management.ThreadMXBean;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.bitdiffusion.config.ConfigYaml;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.io.Npy;
import org.bitdiffusion.io.Npz;
import org.bitdiffusion.io.Png;
import org.bitdiffusion.metrics.CaptionFile;
import org.bitdiffusion.modality.Modality;
import org.bitdiffusion.run.ConfigReader;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Safetensors;
import org.bitdiffusion.text.CaptionCorpus;
import org.bitdiffusion.text.Tokenizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Small honest files of each format, damaged at random: a reader takes them, or says in one line
 * what is wrong, soon and in little memory.
 */
class DamagedFilesTest {
  private static final int TIMES = 300;
  private static final long MOST_MEMORY = 64 << 20;

  @TempDir private Path folder;

  @FunctionalInterface
  private interface Reader {
    void read(Path file) throws Exception;
  }

  private void assertSafe(String name, byte[] honest, Reader reader) throws Exception {
    var file = folder.resolve(name);
    Files.write(file, honest);
    reader.read(file);
    var random = new Random(name.hashCode());
    for (var i = 0; i < TIMES; i++) {
      var damaged = damaged(honest, random);
      Files.write(file, damaged);
      assertTimeoutPreemptively(
          Duration.ofSeconds(2),
          () -> {
            var before = allocated();
            try {
              reader.read(file);
            } catch (DataException | ConfigurationException e) {
              assertThat(e.getMessage().lines()).as(e.getMessage()).hasSize(1);
            } catch (Exception | Error e) {
              throw new AssertionError(
                  "%s of %s".formatted(e, new String(damaged, UTF_8).replace("\0", "\\0")), e);
            }
            assertThat(allocated() - before).isLessThan(MOST_MEMORY);
          });
    }
  }

  private static long allocated() {
    return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
  }

  /** One to four times: a byte is another, a piece is left out, repeated, or the end cut off. */
  private static byte[] damaged(byte[] honest, Random random) {
    var bytes = honest.clone();
    for (var times = 1 + random.nextInt(4); times > 0 && bytes.length > 1; times--) {
      var at = random.nextInt(bytes.length);
      var end = Math.min(bytes.length, at + 1 + random.nextInt(16));
      switch (random.nextInt(6)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[at] = (byte) random.nextInt();
        case 2 ->
            bytes[at] = (byte) "0123456789-.eE\"'{}[](),: \n\0\u007f".charAt(random.nextInt(27));
        case 3 ->
            bytes = joined(Arrays.copyOf(bytes, at), Arrays.copyOfRange(bytes, end, bytes.length));
        case 4 ->
            bytes = joined(Arrays.copyOf(bytes, end), Arrays.copyOfRange(bytes, at, bytes.length));
        default -> bytes = Arrays.copyOf(bytes, at);
      }
    }
    return bytes;
  }

  private static byte[] joined(byte[] a, byte[] b) {
    var both = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, both, a.length, b.length);
    return both;
  }

  @Test
  void npy() throws Exception {
    var file = folder.resolve("honest.npy");
    Npy.write(file, new int[] {1, 2, 3, 400, 5, 6}, new int[] {2, 3}, 500);
    assertSafe("a.npy", Files.readAllBytes(file), Npy::read);
  }

  @Test
  void npz() throws Exception {
    var file = folder.resolve("honest.npz");
    var arrays = new LinkedHashMap<String, Npz.Doubles>();
    arrays.put("mu", new Npz.Doubles(new int[] {2}, new double[] {1, 2}));
    arrays.put("sigma", new Npz.Doubles(new int[] {2, 2}, new double[] {1, 2, 3, 4}));
    Npz.write(file, arrays);
    assertSafe("a.npz", Files.readAllBytes(file), damaged -> Npz.read(damaged, "mu", "sigma"));
  }

  @Test
  void safetensors() throws Exception {
    Engine.load();
    var header =
        """
        {"__metadata__":{"of":"a test"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},\
        "h":{"dtype":"F16","shape":[2],"data_offsets":[24,28]}}"""
            .getBytes(UTF_8);
    var bytes = ByteBuffer.allocate(8 + header.length + 28).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(header.length).put(header);
    assertSafe("a.safetensors", bytes.array(), Safetensors::names);
  }

  private static void open(String source) {
    Modality.plan(DataSpec.parse(source)).open().close();
  }

  @Test
  void idx() throws Exception {
    var bytes = ByteBuffer.allocate(16 + 12).putInt(0x803).putInt(2).putInt(2).putInt(3).array();
    assertSafe("a.idx", bytes, file -> open("idx:" + file));
  }

  @Test
  void yaml() throws Exception {
    var text = new String(Files.readAllBytes(preset()), UTF_8);
    assertSafe("a.yaml", text.getBytes(UTF_8), file -> ConfigReader.file(file, Map.of()));
  }

  private Path preset() throws IOException {
    var config = ConfigReader.preset("icons", Map.of());
    assertThat(config.format()).isEqualTo(RunConfig.FORMAT);
    return Files.writeString(folder.resolve("honest.yaml"), ConfigYaml.text(config));
  }

  @Test
  void tokenizers() throws Exception {
    var subwords = Path.of(getClass().getResource("/org/bitdiffusion/text/unigram.json").toURI());
    assertSafe(
        "tokenizer.json",
        Files.readAllBytes(subwords),
        file -> {
          try (var tokenizer = Tokenizer.load(file)) {
            tokenizer.token(tokenizer.vocabulary() - 1);
          }
        });
  }

  private static byte[] picture() {
    return Png.of(new BufferedImage(4, 4, BufferedImage.TYPE_INT_RGB));
  }

  @Test
  void linesOfCaptions() throws Exception {
    Files.write(folder.resolve("a.png"), picture());
    var lines =
        """
        {"image": "a.png", "caption": "a dog"}
        {"image": "a.png", "captions": ["a dog", "two \\u0064ogs"]}
        """
            .getBytes(UTF_8);
    assertSafe("a.jsonl", lines, file -> open("captions:" + file + ",size=4"));
    assertSafe("b.jsonl", lines, file -> new CaptionCorpus(file).read(caption -> {}));
  }

  @Test
  void cocosAnnotations() throws Exception {
    Files.createDirectories(folder.resolve("train2017"));
    Files.createDirectories(folder.resolve("annotations"));
    Files.write(folder.resolve("train2017/a.png"), picture());
    var json =
        """
        {"info": {"year": 2017}, "images": [{"id": 1, "file_name": "a.png"}],
         "annotations": [{"id": 7, "image_id": 1, "caption": "a dog"}]}
        """
            .getBytes(UTF_8);
    assertSafe(
        "annotations/captions_train2017.json", json, file -> open("coco:" + folder + ",size=4"));
    assertSafe("b.json", json, file -> new CaptionCorpus(file).read(caption -> {}));
    assertSafe("c.json", json, CaptionFile::read);
  }

  @Test
  void scoredCaptions() throws Exception {
    assertSafe(
        "d.json",
        "[{\"image_id\": 42, \"caption\": \"a dog\"}, {\"image_id\": 1e1, \"caption\": \"\"}]"
            .getBytes(UTF_8),
        CaptionFile::read);
    assertSafe(
        "e.jsonl",
        "{\"id\": 42, \"text\": \"a dog\"}\n{\"id\": \"x\", \"text\": \"two\"}\n".getBytes(UTF_8),
        CaptionFile::read);
  }
}
