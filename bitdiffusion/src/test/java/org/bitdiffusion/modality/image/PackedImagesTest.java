package org.bitdiffusion.modality.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.bitdiffusion.DataException;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Safetensors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PackedImagesTest {
  @TempDir private Path folder;

  private static ImageSource source(ImageFormat format, int count, List<String> classes) {
    var random = new Random(3);
    var images =
        IntStream.range(0, count)
            .mapToObj(
                i -> {
                  var image = new byte[format.symbols()];
                  for (var j = 0; j < image.length; j++) {
                    image[j] = (byte) random.nextInt(format.categories());
                  }
                  return image;
                })
            .toArray(byte[][]::new);
    var labels =
        classes.isEmpty()
            ? new int[0]
            : IntStream.range(0, count).map(i -> i % (classes.size() + 1) - 1).toArray();
    return new ImagesInMemory("made-up", format, images, labels, classes, List.of());
  }

  private static void assertSame(ImageSource packed, ImageSource source) {
    assertThat(packed.size()).isEqualTo(source.size());
    assertThat(packed.schema()).isEqualTo(source.schema());
    assertThat(packed.fit()).isEqualTo(source.fit());
    for (var i = 0; i < source.size(); i++) {
      var expected = new int[source.format().symbols() + 1];
      var actual = expected.clone();
      source.read(i, expected, 1);
      packed.read(i, actual, 1);
      assertThat(actual).containsExactly(expected);
      assertThat(packed.label(i)).isEqualTo(source.label(i));
      assertThat(packed.captions(i)).isEqualTo(source.captions(i));
    }
  }

  /** Also where a buffer ends between two images, in the middle of one, or holds one alone. */
  @ParameterizedTest
  @ValueSource(ints = {1, 100, 216, 250, 1 << 30})
  void areWhatWasPacked(int mapped) {
    var source = source(new ImageFormat(3, 4, 6, 256, List.of()), 23, List.of("cat", "dög"));
    var file = folder.resolve("a.pack");
    PackedImages.write(file, source);
    var packed = PackedImages.open(file, mapped);
    assertSame(packed, source);
    assertThat(packed.name()).isEqualTo(file + " (made-up)");
  }

  @Test
  void keepPalettesAndHaveNoClassesWhereThereAreNone() {
    var palette = List.of(0, 0xff0000, 0x00ff00);
    var source = source(new ImageFormat(1, 5, 5, 3, palette), 7, List.of());
    var file = folder.resolve("a.pack");
    PackedImages.write(file, source);
    assertSame(PackedImages.open(file), source);
  }

  /** Images that were padded, with a number of captions each. */
  private record Captioned(ImageSource source, int size) implements ImageView {
    @Override
    public List<String> captions(int index) {
      return IntStream.range(0, index % 3)
          .mapToObj(i -> "a \"caption\",\n\u732b " + index + " " + i)
          .toList();
    }

    @Override
    public Fit fit() {
      return Fit.PAD;
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void keepCaptionsAndHowTheyBecameSquares(boolean labelled) throws IOException {
    var classes = labelled ? List.of("cat") : List.<String>of();
    var images = source(new ImageFormat(3, 5, 5, 256, List.of()), 7, classes);
    var file = folder.resolve("a.pack");
    PackedImages.write(file, new Captioned(images, 7));
    assertSame(PackedImages.open(file), new Captioned(images, 7));

    var text = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
    for (var damaged :
        List.of(
            text.replace("[[],", "[[]x"),
            text.replace("[[],", " [[1"),
            text.replace("[[],[", "[[   "))) {
      Files.writeString(file, damaged, StandardCharsets.ISO_8859_1);
      assertRefused(file, "its captions are no lists, one for each image");
    }
  }

  /** A number of safetensors files that hold something else, or what no image has. */
  @Test
  void damagedFilesAreRefused() throws IOException {
    var source = source(new ImageFormat(1, 5, 5, 4, List.of()), 3, List.of("a"));
    var file = folder.resolve("a.pack");
    PackedImages.write(file, source);
    var bytes = Files.readAllBytes(file);
    var last = bytes[bytes.length - 1];
    bytes[bytes.length - 1] = 4; // K is 4
    var bad = Files.write(folder.resolve("bad.pack"), bytes);
    var opened = PackedImages.open(bad);
    assertThatThrownBy(() -> opened.read(2, new int[25], 0))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("image 2 has the value 4, and K is 4");
    bytes[bytes.length - 1] = last;
    Arrays.fill(bytes, bytes.length - 3 * 25 - 4, bytes.length - 3 * 25, (byte) 0);
    bytes[bytes.length - 3 * 25 - 4] = 1; // the last label, of one class
    Files.write(bad, bytes);
    assertRefused(bad, "image 2 has the label 1, and there are 1 classes");
    Files.write(bad, Arrays.copyOf(bytes, bytes.length - 1));
    assertRefused(bad, "are cut off");
    bytes = Files.readAllBytes(file);
    var length = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
    var header = new String(bytes, 8, length, StandardCharsets.UTF_8);
    for (var change :
        List.of(
            List.of("\"categories\":\"4\"", "\"categories\":\"x\""),
            List.of("\"categories\":\"4\"", "\"categories\":\"1\""),
            List.of("\"categories\":\"4\"", "\"categories\":\"257\""),
            List.of("\"categories\":\"4\"", "\"categories\":\"-5\""),
            List.of("\"of\":", "\"off\":"),
            List.of("\"palette\":\"[]\"", "\"palette\":\"[}\""),
            List.of("\"palette\":\"[]\"", "\"palette\":\"null\""),
            List.of("\"palette\":\"[]\"", "\"palette\":\"[1,2,3,null]\""),
            List.of("\"classes\":\"[\\\"a\\\"]\"", "\"classes\":\"null\""),
            List.of("\"classes\":\"[\\\"a\\\"]\"", "\"classes\":\"[null]\""),
            List.of("\"bitdiff_images\":\"1\"", "\"bitdiff_images\":\"2\""),
            List.of("[3,1,5,5]", "[5,1,3,5]"))) {
      assertThat(header).contains(change.get(0));
      var changed = header.replace(change.get(0), change.get(1)).getBytes(StandardCharsets.UTF_8);
      var all = ByteBuffer.allocate(changed.length + bytes.length - length);
      all.order(ByteOrder.LITTLE_ENDIAN).putLong(changed.length).put(changed);
      Files.write(bad, all.put(bytes, 8 + length, all.remaining()).array());
      assertRefused(
          bad, bad + (change.get(0).contains("images") ? " holds no packed" : " is damaged: its"));
    }
    assertRefused(folder.resolve("none.pack"), "does not exist");
  }

  @Test
  void weightsAreNoImages() throws IOException {
    Engine.load();
    var file = folder.resolve("w.pack");
    try (var scope = new PointerScope()) {
      Safetensors.write(file, Map.of("images", torch.zeros(1, 1, 2, 2)));
    }
    assertRefused(file, "holds no packed images that this version reads");
  }

  private static void assertRefused(Path file, String message) {
    assertThatThrownBy(() -> PackedImages.open(file))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(message);
  }
}
