package org.bitdiffusion.modality.image;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import org.bitdiffusion.DataException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ImageFolderTest {
  @TempDir private Path folder;

  /** Rows of 0xRRGGBB. */
  private static BufferedImage image(int[]... rows) {
    var image = new BufferedImage(rows[0].length, rows.length, BufferedImage.TYPE_INT_RGB);
    for (var y = 0; y < rows.length; y++) {
      for (var x = 0; x < rows[y].length; x++) {
        image.setRGB(x, y, rows[y][x]);
      }
    }
    return image;
  }

  private static BufferedImage noise(int size, long seed) {
    var random = new Random(seed);
    return image(
        IntStream.range(0, size)
            .mapToObj(y -> random.ints(size, 0, 1 << 24).toArray())
            .toArray(int[][]::new));
  }

  private Path write(String name, BufferedImage image) throws IOException {
    var file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    assertThat(ImageIO.write(image, name.substring(name.lastIndexOf('.') + 1), file.toFile()))
        .isTrue();
    return file;
  }

  private ImageSource open(String options) {
    return ImageSourcesTest.open("images:" + folder + options);
  }

  private void assertBad(Path file, String message) {
    assertThatThrownBy(() -> open(",size=8"))
        .isInstanceOf(DataException.class)
        .hasMessage("%s %s; ',skip_bad=true' after the path leaves bad images out", file, message);
  }

  /** Bad in a way that is told in words of the reader of its format. */
  private void assertDamaged(Path file) {
    assertThatThrownBy(() -> open(",size=8"))
        .isInstanceOf(DataException.class)
        .hasMessageMatching(
            Pattern.quote(file.toString())
                + " is (damaged|no image that can be read, whatever its name says).*"
                + "; ',skip_bad=true' after the path leaves bad images out");
  }

  /** What stops even a source that leaves bad images out. */
  private void assertUnreadable(Path inside, String message) {
    for (var options : List.of(",size=8", ",size=8,skip_bad=true")) {
      assertThatThrownBy(() -> open(options))
          .isInstanceOf(DataException.class)
          .hasMessage(inside + " " + message);
    }
  }

  private void assertLeftOutWhenTold() {
    try (var source = open(",size=8,skip_bad=true")) {
      assertThat(source.size()).isEqualTo(1);
    }
  }

  @Test
  void subFoldersAreClasses() throws Exception {
    write("dogs/b.png", image(new int[] {0x010203}));
    write("dogs/deeper/a.bmp", image(new int[] {0x040506}));
    write("cats/x.PNG", image(new int[] {0x070809}));
    write("none.png", image(new int[] {0x0a0b0c}));
    write(".thumbnails/t.png", image(new int[] {0}));
    Files.writeString(folder.resolve("readme.txt"), "not an image");
    try (var source = open(",size=1")) {
      assertThat(source.classes()).containsExactly("cats", "dogs");
      assertThat(source.size()).isEqualTo(4);
      assertThat(source.schema().space().shape()).containsExactly(3, 1, 1);
      ImageSourcesTest.assertAsExpected("images:" + folder + ",size=1", source);
      assertThat(source.schema().space().categories()).containsExactly(256);
      assertThat(IntStream.range(0, 4).map(source::label)).containsExactly(0, 1, 1, -1);
      assertThat(ImageSourcesTest.read(source, 0)).containsExactly(7, 8, 9);
      assertThat(ImageSourcesTest.read(source, 1)).containsExactly(1, 2, 3);
      assertThat(ImageSourcesTest.read(source, 2)).containsExactly(4, 5, 6);
      assertThat(ImageSourcesTest.read(source, 3)).containsExactly(10, 11, 12);
    }
  }

  @Test
  void imagesAreKnownByTheirContent() throws Exception {
    for (var name : List.of("a.jfif", "b.jpe", "c", "d.webp", "e.jpg")) {
      Files.copy(write("image.png", noise(16, 1)), folder.resolve(name));
    }
    Files.delete(folder.resolve("image.png"));
    Files.writeString(folder.resolve("BMW.txt"), "BM is how BMP begins too");
    Files.createFile(folder.resolve("empty"));
    assertThat(ImageFiles.below(folder))
        .extracting(file -> file.getFileName().toString())
        .containsExactly("a.jfif", "b.jpe", "c", "d.webp", "e.jpg");
    try (var source = open(",size=8")) {
      assertThat(source.size()).isEqualTo(5);
    }
  }

  @Test
  void whatIsLeftOutIsCountedAndNamed() throws Exception {
    write("a.png", noise(16, 1));
    for (var i = 0; i < 7; i++) {
      Files.createFile(folder.resolve(i + ".txt"));
    }
    var told = new ByteArrayOutputStream();
    var err = System.err;
    System.setErr(new PrintStream(told, true, UTF_8));
    try {
      ImageFiles.below(folder);
    } finally {
      System.setErr(err);
    }
    assertThat(told.toString(UTF_8))
        .contains(
            folder
                + ": left out 7 files (0.txt, 1.txt, 2.txt, 3.txt, 4.txt, ...), as only PNG, JPEG,"
                + " GIF and BMP are read\n");
  }

  /** As bytes that are no UTF-8, which Java makes of no text. */
  private void move(Path from, String octal) throws Exception {
    var script = "mv \"$1\" \"$2/$(printf '" + octal + "')\"";
    var process =
        new ProcessBuilder("sh", "-c", script, "sh", from.toString(), folder.toString()).start();
    assumeThat(process.waitFor()).as("the file system takes any bytes").isZero();
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void namesMayBeOfAnyBytes() throws Exception {
    move(write("a.png", noise(16, 1)), "\\344.png");
    try (var source = open(",size=8")) {
      assertThat(source.size()).isEqualTo(1);
    }
    move(write("x/a.png", noise(16, 1)).getParent(), "\\344");
    try (var source = open(",size=8")) {
      assertThat(source.classes()).hasSize(1);
    }
    move(write("x/a.png", noise(16, 1)).getParent(), "\\345");
    assertThatThrownBy(() -> open(",size=8"))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(folder + " holds several folders that Java reads as '\ufffd'");
  }

  @Test
  void takesTheMiddleAndAveragesAreas() throws Exception {
    // The middle 3x3 of 3x6 (one column more is cut off at the right), then 3x3 to 2x2.
    write(
        "a.png",
        image(
            new int[] {0xffffff, 0x5a0000, 0, 0x00005a, 0xffffff, 0xffffff},
            new int[] {0xffffff, 0, 0, 0, 0xffffff, 0xffffff},
            new int[] {0xffffff, 0x005a00, 0, 0, 0xffffff, 0xffffff}));
    try (var source = open(",size=2")) {
      assertThat(ImageSourcesTest.read(source, 0))
          .containsExactly(40, 0, 0, 0, /* green */ 0, 0, 40, 0, /* blue */ 0, 40, 0, 0);
    }
  }

  /** As other programs that compute FID read them: the colours as stored. */
  @Test
  void wholeImagesLoseTheirTransparency() throws Exception {
    var image = new BufferedImage(2, 1, BufferedImage.TYPE_INT_ARGB);
    image.setRGB(0, 0, 0x000a141e);
    image.setRGB(1, 0, 0x80c80064);
    var file = folder.resolve("a.png");
    ImageIO.write(image, "png", file.toFile());
    var whole = ImageFiles.whole(file);
    assertThat(whole.rgb()).containsExactly(10, 200, 20, 0, 30, 100);
  }

  @Test
  void transparentPartsBecomeWhite() throws Exception {
    var image = new BufferedImage(3, 3, BufferedImage.TYPE_INT_ARGB);
    image.setRGB(0, 0, 0xff102030);
    image.setRGB(1, 0, 0x00102030);
    image.setRGB(2, 0, 0x33000000); // a fifth of black
    write("a.png", image);
    try (var source = open(",size=3")) {
      var symbols = ImageSourcesTest.read(source, 0);
      assertThat(new int[] {symbols[0], symbols[9], symbols[18]}).containsExactly(16, 32, 48);
      assertThat(new int[] {symbols[1], symbols[10], symbols[19]}).containsExactly(255, 255, 255);
      assertThat(new int[] {symbols[2], symbols[11], symbols[20]}).containsExactly(204, 204, 204);
    }
  }

  /** A grey image of 4x4 pixels, of 0, 17, ... and 255 in 255ths. */
  static BufferedImage greys(int type) {
    var image = new BufferedImage(4, 4, type);
    var scale = type == BufferedImage.TYPE_BYTE_GRAY ? 1 : 257;
    for (var i = 0; i < 16; i++) {
      image.getRaster().setSample(i % 4, i / 4, 0, 17 * i * scale);
    }
    return image;
  }

  /** Java takes grey files for linear light unless told otherwise. */
  @ParameterizedTest
  @ValueSource(ints = {BufferedImage.TYPE_BYTE_GRAY, BufferedImage.TYPE_USHORT_GRAY})
  void greyFilesKeepTheirValues(int type) throws Exception {
    write("a.png", greys(type));
    try (var source = open(",size=4,color=grey");
        var levels = open(",size=4,color=grey,levels=16")) {
      assertThat(source.schema().space().shape()).containsExactly(1, 4, 4);
      assertThat(ImageSourcesTest.read(source, 0))
          .isEqualTo(IntStream.range(0, 16).map(i -> 17 * i).toArray());
      assertThat(levels.schema().space().categories()).containsExactly(16);
      ImageSourcesTest.assertAsExpected(
          "images:" + folder + ",size=4,color=grey,levels=16", levels);
      assertThat(ImageSourcesTest.read(levels, 0)).isEqualTo(IntStream.range(0, 16).toArray());
    }
  }

  @Test
  void greyIsTheBrightness() throws Exception {
    write("a.png", image(new int[] {0xff0000, 0x00ff00}, new int[] {0x0000ff, 0xffffff}));
    try (var source = open(",size=2,color=grey")) {
      assertThat(ImageSourcesTest.read(source, 0)).containsExactly(76, 150, 29, 255);
    }
    try (var source = open(",size=2,levels=2")) {
      assertThat(source.schema().space().categories()).containsExactly(2);
      assertThat(ImageSourcesTest.read(source, 0))
          .containsExactly(1, 0, 0, 1, /* green */ 0, 1, 0, 1, /* blue */ 0, 0, 1, 1);
    }
  }

  @Test
  void aPaletteOfAsManyColoursAsThereAreIsExact() throws Exception {
    var colors = new int[] {0x102030, 0x112030, 0xfefefe, 0x00ff00};
    write("a.png", image(new int[] {colors[2], colors[0]}, new int[] {colors[0], colors[0]}));
    write("b.bmp", image(new int[] {colors[3], colors[1]}, new int[] {colors[2], colors[2]}));
    try (var source = open(",size=2,palette=4")) {
      assertThat(source.schema().space().shape()).containsExactly(1, 2, 2);
      assertThat(source.schema().space().categories()).containsExactly(4);
      ImageSourcesTest.assertAsExpected("images:" + folder + ",size=2,palette=4", source);
      assertThat(source.format().palette())
          .containsExactlyInAnyOrder(colors[0], colors[1], colors[2], colors[3]);
      assertThat(painted(source, 0)).containsExactly(colors[2], colors[0], colors[0], colors[0]);
      assertThat(painted(source, 1)).containsExactly(colors[3], colors[1], colors[2], colors[2]);
    }
  }

  @Test
  void aGifsPaletteIsFoundAgain() throws Exception {
    var random = new Random(4);
    var colors = random.ints(8, 0, 1 << 24).toArray();
    var model = new IndexColorModel(3, 8, colors, 0, false, -1, DataBuffer.TYPE_BYTE);
    var image = new BufferedImage(16, 16, BufferedImage.TYPE_BYTE_INDEXED, model);
    var indices = random.ints(256, 0, 8).toArray();
    image.getRaster().setSamples(0, 0, 16, 16, 0, indices);
    write("a.gif", image);
    try (var source = open(",size=16,palette=8")) {
      var symbols = ImageSourcesTest.read(source, 0);
      for (var i = 0; i < 256; i++) {
        assertThat(source.format().palette().get(symbols[i])).isEqualTo(colors[indices[i]]);
      }
    }
  }

  private static List<Integer> painted(ImageSource source, int index) {
    var symbols = ImageSourcesTest.read(source, index);
    return IntStream.range(0, 4)
        .mapToObj(i -> source.format().rgb(symbols, 0, i / 2, i % 2))
        .toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {"rgb", "grey", "palette"})
  void imagesThatMemoryCannotHoldAreDecodedWhenRead(String color) throws Exception {
    for (var i = 0; i < 9; i++) {
      write("class" + i % 2 + "/" + i + ".png", noise(11, i));
    }
    var settings = new ImageFolder.Settings(7, color, 16, false);
    ImageSourcesTest.assertSafeForSeveralThreads(ImageFolder.open(folder, settings, 0));
    var kept = ImageFolder.open(folder, settings, 9 * 3 * 49);
    var decoded = ImageFolder.open(folder, settings, 9 * 3 * 49 - 1);
    for (var i = 0; i < 9; i++) {
      var symbols = ImageSourcesTest.read(kept, i);
      assertThat(ImageSourcesTest.read(decoded, i)).isEqualTo(symbols);
      assertThat(Arrays.stream(symbols).allMatch(s -> s >= 0 && s < 16)).isTrue();
    }
    Thread.currentThread().interrupt(); // as at the end of a training
    assertThat(ImageSourcesTest.read(decoded, 8)).isEqualTo(ImageSourcesTest.read(kept, 8));
    assertThat(Thread.interrupted()).isTrue();
    for (var i = 0; i < 9; i++) {
      Files.delete(folder.resolve("class" + i % 2 + "/" + i + ".png"));
    }
    ImageSourcesTest.read(kept, 0); // needs no file
    assertThatThrownBy(() -> ImageSourcesTest.read(decoded, 0))
        .isInstanceOf(DataException.class)
        .hasMessage(
            "%s cannot be read: it or its folder does not exist", folder.resolve("class0/0.png"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"png", "jpg", "gif", "bmp"})
  void filesThatAreCutOffAreBad(String type) throws Exception {
    write("a.png", noise(16, 1));
    var file = write("bad." + type, noise(32, 2));
    var bytes = Files.readAllBytes(file);
    for (var part : new double[] {0, 0.001, 0.01, 0.3, 0.6, 0.9, 0.98}) {
      Files.write(file, Arrays.copyOf(bytes, (int) (bytes.length * part)));
      assertDamaged(file);
    }
    Files.write(file, bytes);
    open(",size=8").close();
  }

  @Test
  void aDamagedPngIsBad() throws Exception {
    write("a.png", noise(16, 1));
    var file = write("bad.png", noise(32, 2));
    var bytes = Files.readAllBytes(file);
    bytes[bytes.length / 2] ^= 16;
    Files.write(file, bytes);
    assertDamaged(file);
  }

  /** A single one of 32 x 32 pixels takes seconds. */
  @Test
  @Timeout(60)
  void aJpegOfThousandsOfScansIsBad() throws Exception {
    write("a.png", noise(16, 1));
    var file = folder.resolve("b.jpg");
    var bytes = new ByteArrayOutputStream();
    bytes.write(jpeg(16, 16));
    var whole = bytes.toByteArray();
    var scan = whole.length;
    while (whole[scan - 2] != (byte) 0xff || whole[scan - 1] != (byte) 0xda) {
      scan--;
    }
    bytes.reset();
    bytes.write(whole, 0, whole.length - 2); // without the end of the image
    for (var i = 1; i < 2000; i++) {
      bytes.write(whole, scan - 2, whole.length - scan);
    }
    Files.write(file, bytes.toByteArray());
    assertBad(
        file, "has 2,000 scans, more than 100, and would take too long to decode; save it anew");
    assertLeftOutWhenTold();
  }

  /** Green would become blue, or a picture another. */
  @ParameterizedTest
  @CsvSource({"palette-8.png, PLTE", "rgb-8.png, IHDR", "palette-transparent.png, tRNS"})
  void chunksWithAWrongChecksumAreBad(String name, String chunk) throws Exception {
    write("a.png", noise(16, 1));
    byte[] bytes;
    try (var picture = getClass().getResourceAsStream("/org/bitdiffusion/pictures/" + name)) {
      bytes = picture.readAllBytes();
    }
    var file = Files.write(folder.resolve("b.png"), bytes);
    ImageFiles.whole(file);
    bytes[new String(bytes, ISO_8859_1).indexOf(chunk) + 5] ^= 1;
    Files.write(file, bytes);
    assertBad(file, "is damaged: the checksum of its chunk %s is wrong".formatted(chunk));
    assertLeftOutWhenTold();
  }

  @Test
  void aLinkToNothingIsBad() throws Exception {
    write("a.png", noise(16, 1));
    var link = Files.createSymbolicLink(folder.resolve("b.png"), folder.resolve("gone.png"));
    assertBad(link, "cannot be read: it is a link to a file that is gone");
    assertLeftOutWhenTold();
  }

  /** It would be waited for. */
  @Test
  @Timeout(60)
  void aPipeIsBad() throws Exception {
    write("a.png", noise(16, 1));
    var pipe = folder.resolve("b.png");
    assumeThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
    assertBad(pipe, "is no file of bytes, but a pipe or device");
    assertLeftOutWhenTold();
  }

  @Test
  void aFolderIsNoPicture() {
    assertThatThrownBy(() -> ImageFiles.whole(folder))
        .isInstanceOf(DataException.class)
        .hasMessage(folder + " is a folder; name one of the pictures in it");
  }

  @Test
  void anImageWithoutPermissionIsBad() throws Exception {
    write("a.png", noise(16, 1));
    var file = write("b.png", noise(16, 2));
    Files.setPosixFilePermissions(file, Set.of());
    assumeThat(Files.isReadable(file)).as("as root, all is readable").isFalse();
    assertBad(file, "cannot be read: permission denied");
    assertLeftOutWhenTold();
  }

  @Test
  void aSubFolderWithoutPermissionIsAnErrorAlways() throws Exception {
    write("a.png", noise(16, 1));
    var inside = write("x/deeper/b.png", noise(16, 2)).getParent();
    Files.setPosixFilePermissions(inside, Set.of());
    try {
      assumeThat(Files.isReadable(inside)).as("as root, all is readable").isFalse();
      assertUnreadable(inside, "cannot be read: permission denied");
    } finally {
      Files.setPosixFilePermissions(inside, PosixFilePermissions.fromString("rwx------"));
    }
  }

  @Test
  void aLinkInCirclesIsAnErrorAlways() throws Exception {
    write("x/a.png", noise(16, 1));
    var link = Files.createSymbolicLink(folder.resolve("x/again"), folder);
    assertUnreadable(link, "is a link to a folder that it lies in; remove the link");
  }

  @Test
  void whatIsHiddenMayBeUnreadable() throws Exception {
    write("a.png", noise(16, 1));
    Files.createSymbolicLink(folder.resolve(".again"), folder);
    Files.createSymbolicLink(folder.resolve(".b.png"), folder.resolve("gone"));
    try (var source = open(",size=8")) {
      assertThat(source.size()).isEqualTo(1);
    }
  }

  @Test
  void onlyWhatIsInsideMayBeHidden() throws Exception {
    write(".x/y/a.png", noise(16, 1));
    try (var source = ImageSourcesTest.open("images:" + folder.resolve(".x") + ",size=8")) {
      assertThat(source.size()).isEqualTo(1);
      assertThat(source.classes()).containsExactly("y");
    }
  }

  @Test
  void aFolderMayBeNamedLikeAnImage() throws Exception {
    write("x.png/a.png", noise(16, 1));
    try (var source = open(",size=8")) {
      assertThat(source.size()).isEqualTo(1);
      assertThat(source.classes()).containsExactly("x.png");
    }
  }

  @Test
  void linksToFoldersAndFilesAreFollowed() throws Exception {
    var file = write(".store/cats/a.png", noise(16, 1));
    Files.createSymbolicLink(folder.resolve("cats"), file.getParent());
    Files.createSymbolicLink(folder.resolve("b.png"), file);
    try (var source = open(",size=8")) {
      assertThat(source.size()).isEqualTo(2);
      assertThat(source.classes()).containsExactly("cats");
      assertThat(ImageSourcesTest.read(source, 0)).isEqualTo(ImageSourcesTest.read(source, 1));
    }
  }

  @Test
  void aFileOfAnotherKindIsBad() throws Exception {
    write("a.png", noise(16, 1));
    var file = Files.writeString(folder.resolve("page.jpg"), "<html>not found</html>", US_ASCII);
    assertBad(file, "is no image that can be read, whatever its name says");
  }

  @Test
  void imagesSmallerThanAskedForAreBad() throws Exception {
    write("a.png", noise(16, 1));
    var file = write("small.png", image(new int[9], new int[9], new int[9]));
    assertBad(file, "is 9x3, smaller than size=8, and size=3 would take it");
  }

  @Test
  void badImagesAreLeftOutWhenTold() throws Exception {
    write("x/a.png", noise(16, 1));
    write("x/small.png", noise(4, 2));
    Files.writeString(Files.createDirectories(folder.resolve("w")).resolve("b.jpg"), "no image");
    write("y/z.png", noise(16, 3));
    try (var source = open(",size=8,skip_bad=true")) {
      assertThat(source.size()).isEqualTo(2);
      assertThat(source.classes()).containsExactly("x", "y");
      assertThat(IntStream.range(0, 2).map(source::label)).containsExactly(0, 1);
    }
    assertThatThrownBy(() -> open(",size=8"))
        .isInstanceOf(DataException.class)
        .hasMessage(
            "%s is no image that can be read, whatever its name says (and 1 more); ',skip_bad=true' after the path leaves bad images out",
            folder.resolve("w/b.jpg"));
    assertThatThrownBy(() -> open(",size=20,skip_bad=true"))
        .isInstanceOf(DataException.class)
        .hasMessage(
            "%s holds no image that can be used: %s is no image that can be read, whatever its name says (and so on)",
            folder, folder.resolve("w/b.jpg"));
  }

  /** Headers are looked at before anything is decoded: 100,000 x 100,000 pixels take 80 GB. */
  @ParameterizedTest
  @CsvSource({"png, 100000", "jpg, 60000"})
  void headersThatClaimMorePixelsThanMemoryHoldsAreBad(String type, int side) throws Exception {
    write("a.png", noise(16, 1));
    var file = folder.resolve("bomb." + type);
    Files.write(file, type.equals("png") ? png(side, side) : jpeg(side, side));
    assertBad(
        file,
        "claims %,d x %,d pixels, which need %,d MB to decode, more than a quarter of Java's memory; make it smaller, or raise -Xmx"
            .formatted(side, side, 8L * side * side >> 20));
  }

  private static byte[] png(int width, int height) throws IOException {
    var bytes = new ByteArrayOutputStream();
    var out = new DataOutputStream(bytes);
    out.write(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'});
    var header = new ByteArrayOutputStream();
    var fields = new DataOutputStream(header);
    fields.writeBytes("IHDR");
    fields.writeInt(width);
    fields.writeInt(height);
    fields.write(new byte[] {8, 2, 0, 0, 0});
    for (var chunk :
        List.of(header.toByteArray(), "IDAT".getBytes(US_ASCII), "IEND".getBytes(US_ASCII))) {
      var crc = new CRC32();
      crc.update(chunk);
      out.writeInt(chunk.length - 4);
      out.write(chunk);
      out.writeInt((int) crc.getValue());
    }
    return bytes.toByteArray();
  }

  private static byte[] jpeg(int width, int height) throws IOException {
    var bytes = new ByteArrayOutputStream();
    ImageIO.write(noise(8, 1), "jpg", bytes);
    var file = ByteBuffer.wrap(bytes.toByteArray());
    var frame = 0;
    while (file.getShort(frame) != (short) 0xffc0) {
      frame++;
    }
    return file.putShort(frame + 5, (short) height).putShort(frame + 7, (short) width).array();
  }

  @Test
  void aLargeJpegIsAveragedRight() throws Exception {
    var image = new BufferedImage(300, 200, BufferedImage.TYPE_INT_RGB);
    var graphics = image.createGraphics();
    graphics.setColor(new Color(200, 100, 50));
    graphics.fillRect(0, 0, 300, 200);
    graphics.setColor(new Color(40, 80, 120));
    graphics.fillRect(150, 0, 150, 200);
    graphics.dispose();
    write("a.jpeg", image);
    try (var source = open(",size=4")) {
      var symbols = ImageSourcesTest.read(source, 0);
      var expected = new int[][] {{200, 40}, {100, 80}, {50, 120}};
      for (var i = 0; i < symbols.length; i++) {
        assertThat(symbols[i])
            .isBetween(expected[i / 16][i % 4 / 2] - 4, expected[i / 16][i % 4 / 2] + 4);
      }
    }
  }
}
