package org.bitdiffusion.modality.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.data.Condition;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.io.Npy;
import org.bitdiffusion.modality.Renderer;
import org.bitdiffusion.modality.SampleFile;
import org.bitdiffusion.model.Samples;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageRendererTest {
  private static final ImageFormat RGB = new ImageFormat(3, 30, 40, 256, List.of());

  @TempDir private Path folder;

  private static ImageRenderer renderer(ImageFormat format, String... classes) {
    return new ImageRenderer(
        format, classes.length == 0 ? Condition.NONE : new Condition.Labels(List.of(classes)));
  }

  private static Samples samples(ImageFormat format, int... symbols) {
    return new Samples(format.schema(List.of()).space(), symbols);
  }

  private static Samples random(ImageFormat format, int count) {
    var symbols = new Random(1).ints((long) count * format.symbols(), 0, format.categories());
    return samples(format, symbols.toArray());
  }

  @Test
  void rendersWhatAGridPaints() {
    var renderer = renderer(RGB);
    var samples = random(RGB, 5);
    assertThat(renderer.endings()).containsExactly(".png");
    assertThat(renderer.mediaType(".png")).isEqualTo("image/png");
    var grid = ImageGrid.png(samples.symbols(), RGB);
    assertThat(renderer.render(".png", samples, Renderer.ANY_COLUMNS)).isEqualTo(grid);
    assertThat(renderer.picture(samples)).isEqualTo(grid);
    assertThat(renderer.render(".png", samples, 2))
        .isEqualTo(ImageGrid.png(samples.symbols(), RGB, 2))
        .isNotEqualTo(grid);
    var second = samples.part(1, 1);
    assertThat(renderer.renderOne(second)).isEqualTo(ImageGrid.one(second.symbols(), RGB));
  }

  @Test
  void aFileHoldsTheGridAndNothingElseIsWritten() {
    var samples = random(RGB, 5);
    var file = folder.resolve("new/grid.png");
    SampleFile.write(file, renderer(RGB), samples);
    assertThat(file).hasBinaryContent(ImageGrid.png(samples.symbols(), RGB));
    assertThat(file.getParent().toFile().list()).containsExactly("grid.png");
  }

  /** Of samples that come in two batches. */
  @Test
  void aFolderHoldsEachImageInItsOwnSize() throws IOException {
    var samples = random(RGB, 3);
    var file = new SampleFile(folder.resolve("samples"), renderer(RGB), samples.space(), 3);
    file.add(samples.part(0, 2));
    file.add(samples.part(2, 1));
    file.finish();
    assertThat(folder.resolve("samples").toFile().list())
        .containsExactlyInAnyOrder("000000.png", "000001.png", "000002.png");
    for (var i = 0; i < 3; i++) {
      var image = ImageIO.read(folder.resolve("samples/00000" + i + ".png").toFile());
      assertThat(image.getWidth()).isEqualTo(40);
      assertThat(image.getHeight()).isEqualTo(30);
      assertThat(image.getRGB(39, 29) & 0xffffff)
          .isEqualTo(RGB.rgb(samples.symbols(), i * RGB.symbols(), 29, 39));
    }
    // A folder of them is a data source that gives the same symbols again.
    var format = new ImageFormat(3, 8, 8, 256, List.of());
    var square = random(format, 1);
    SampleFile.write(folder.resolve("square"), renderer(format), square);
    try (var source = ImageSourcesTest.open("images:" + folder.resolve("square") + ",size=8")) {
      assertThat(ImageSourcesTest.read(source, 0)).isEqualTo(square.symbols());
    }
  }

  @Test
  void anArrayHoldsTheSymbols() {
    var format = new ImageFormat(1, 2, 3, 300, List.of());
    var samples = random(format, 4);
    SampleFile.write(folder.resolve("x.npy"), renderer(format), samples);
    var array = Npy.read(folder.resolve("x.npy"));
    assertThat(array.shape()).containsExactly(4, 1, 2, 3);
    assertThat(array.values()).isEqualTo(samples.symbols());
  }

  @Test
  void symbolsOutOfRangeAreWrittenNowhere() {
    var format = new ImageFormat(1, 1, 2, 3, List.of());
    for (var out : List.of("x.png", "x")) {
      assertThatThrownBy(
              () ->
                  SampleFile.write(
                      folder.resolve(out), renderer(format), samples(format, 0, 1, 0, 3)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("a symbol is 3, not in 0 to 2");
    }
    assertThat(folder.resolve("x.png")).doesNotExist();
  }

  @Test
  void namesAFileThatCannotBeWritten() throws IOException {
    var format = new ImageFormat(1, 1, 1, 2, List.of());
    var one = samples(format, 0);
    var inTheWay = Files.createFile(folder.resolve("file"));
    var below = inTheWay.resolve("x.png");
    assertThatThrownBy(() -> SampleFile.write(below, renderer(format), one))
        .isInstanceOf(DataException.class)
        .hasMessage(below + " cannot be written: " + inTheWay + " is in the way");
    assertThatThrownBy(() -> SampleFile.write(inTheWay, renderer(format), one))
        .isInstanceOf(DataException.class)
        .hasMessage(
            inTheWay.resolve("000000.png") + " cannot be written: " + inTheWay + " is in the way");
    assertThatThrownBy(() -> SampleFile.write(inTheWay.resolve("x.npy"), renderer(format), one))
        .isInstanceOf(DataException.class)
        .hasMessage(
            inTheWay.resolve("x.npy") + " cannot be written: " + inTheWay + " is in the way");
    var png = Files.createDirectory(folder.resolve("folder.png"));
    assertThatThrownBy(() -> SampleFile.write(png, renderer(format), one))
        .isInstanceOf(DataException.class)
        .hasMessage(png + " cannot be written: it is a folder");
    assertThat(folder.toFile().list()).containsExactlyInAnyOrder("file", "folder.png");
    assertThat(png.toFile().list()).isEmpty();
  }

  @Test
  void aClassIsGivenByItsNameOrItsNumber() {
    var renderer = renderer(RGB, "cat", "dog", "horse");
    assertThat(renderer.given("dog", 3).labels()).containsExactly(1, 1, 1);
    assertThat(renderer.given("0", 2).labels()).containsExactly(0, 0);
    assertThat(renderer.given("2", 1).labels()).containsExactly(2);
    assertThat(renderer.given("2", 1).pixels()).isEmpty();
    // A name that is a number is a name.
    assertThat(renderer(RGB, "1", "0").given("1", 1).labels()).containsExactly(0);
  }

  @Test
  void anUnknownClassIsAnsweredWithTheNearest() {
    var renderer = renderer(RGB, "cat", "dog", "horse");
    assertThatThrownBy(() -> renderer.given("hose", 1))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("'hose' is none of the classes cat, dog, horse; did you mean horse?");
    for (var text : List.of("3", "-1", "aeroplane", "")) {
      assertThatThrownBy(() -> renderer.given(text, 1))
          .isInstanceOf(ConfigurationException.class)
          .hasMessage("'%s' is none of the classes cat, dog, horse", text);
    }
    var many = IntStream.range(0, 30).mapToObj(i -> "class" + i).toArray(String[]::new);
    assertThatThrownBy(() -> renderer(RGB, many).given("clss29", 1))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("'clss29' is none of the classes 0 to 29; did you mean class29?");
  }

  @Test
  void aRunWithoutClassesTakesNone() {
    assertThatThrownBy(() -> renderer(RGB).given("0", 1))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("the run was trained without classes; ask for none");
  }

  /** A PNG of one row. */
  private Path row(int... argb) throws IOException {
    var image = new BufferedImage(argb.length, 1, BufferedImage.TYPE_INT_ARGB);
    image.setRGB(0, 0, argb.length, 1, argb, 0, argb.length);
    return write(image);
  }

  private Path write(BufferedImage image) throws IOException {
    var file = folder.resolve("known.png");
    assertThat(ImageIO.write(image, "png", file.toFile())).isTrue();
    return file;
  }

  @Test
  void whatIsTransparentIsUnknown() throws IOException {
    var format = new ImageFormat(3, 1, 4, 256, List.of());
    var file = row(0xff010203, 0x00ffffff, 0x80040506, 0x01070809);
    var known = renderer(format).known(file);
    assertThat(known.mask())
        .containsExactly(true, false, true, true, true, false, true, true, true, false, true, true);
    var symbols = known.symbols();
    assertThat(new int[] {symbols[0], symbols[4], symbols[8]}).containsExactly(1, 2, 3);
    assertThat(new int[] {symbols[2], symbols[6], symbols[10]}).containsExactly(4, 5, 6);
    assertThat(new int[] {symbols[3], symbols[7], symbols[11]}).containsExactly(7, 8, 9);
    assertThat(known.rounds()).isEqualTo(1);
  }

  @Test
  void anImageWithoutTransparencyIsKnownWhole() throws IOException {
    var samples = random(RGB, 1);
    var file = folder.resolve("x.png");
    Files.write(file, renderer(RGB).renderOne(samples));
    var known = renderer(RGB).known(file);
    assertThat(known.mask()).hasSize(RGB.symbols()).containsOnly(true);
    assertThat(known.symbols()).isEqualTo(samples.symbols());
  }

  /** Of 3 levels, 0, 127.5 and 255, by the brightness of colours. */
  @Test
  void greyIsTheNearestLevel() throws IOException {
    var format = new ImageFormat(1, 1, 6, 3, List.of());
    var file = row(0xff000000, 0xff3f3f3f, 0xff404040, 0xffbfbfbf, 0xffffffff, 0xff00ff00);
    assertThat(renderer(format).known(file).symbols()).containsExactly(0, 0, 1, 1, 2, 1);
    var black = new ImageFormat(1, 1, 3, 2, List.of());
    assertThat(renderer(black).known(row(0xffff0000, 0xff00ff00, 0xffffffff)).symbols())
        .containsExactly(0, 1, 1);
  }

  @Test
  void rgbIsTheNearestLevelOfEachChannel() throws IOException {
    var format = new ImageFormat(3, 1, 3, 4, List.of()); // levels 0, 85, 170 and 255
    var known = renderer(format).known(row(0xff000055, 0xffaaff2b, 0xff2a80d5));
    assertThat(known.symbols()).containsExactly(0, 2, 0, 0, 3, 2, 1, 1, 3);
  }

  @Test
  void aPaletteGivesItsNearestColour() throws IOException {
    var format = new ImageFormat(1, 1, 4, 3, List.of(0x000000, 0xff0000, 0x0000ff));
    var known = renderer(format).known(row(0xffee1100, 0xff101010, 0xff2020ff, 0x00ff0000));
    assertThat(known.mask()).containsExactly(true, true, true, false);
    assertThat(known.symbols()).startsWith(1, 0, 2);
  }

  /** Programs write grey files where all colours are grey; Java takes them for linear light. */
  @ParameterizedTest
  @ValueSource(ints = {BufferedImage.TYPE_BYTE_GRAY, BufferedImage.TYPE_USHORT_GRAY})
  void greyFilesKeepTheirValues(int type) throws IOException {
    var file = write(ImageFolderTest.greys(type));
    var known = renderer(new ImageFormat(1, 4, 4, 16, List.of())).known(file);
    assertThat(known.mask()).containsOnly(true);
    assertThat(known.symbols()).isEqualTo(IntStream.range(0, 16).toArray());
    var rgb = renderer(new ImageFormat(3, 4, 4, 16, List.of())).known(file);
    assertThat(rgb.symbols()).isEqualTo(IntStream.range(0, 48).map(i -> i % 16).toArray());
  }

  @Test
  void anotherSizeIsRefused() throws IOException {
    var file = row(0xff000000, 0xff000000);
    assertThatThrownBy(() -> renderer(RGB).known(file))
        .isInstanceOf(DataException.class)
        .hasMessage(file + " is 2x1, but the run's images are 40x30");
  }

  @Test
  void whatIsNoImageIsNamed() throws IOException {
    var missing = folder.resolve("missing.png");
    assertThatThrownBy(() -> renderer(RGB).known(missing))
        .isInstanceOf(DataException.class)
        .hasMessage(missing + " cannot be read: it or its folder does not exist");
    var text = Files.writeString(folder.resolve("text.png"), "no image");
    assertThatThrownBy(() -> renderer(RGB).known(text))
        .isInstanceOf(DataException.class)
        .hasMessage(text + " is no image that can be read, whatever its name says");
    var cut = Files.write(folder.resolve("cut.png"), renderer(RGB).renderOne(random(RGB, 1)));
    var bytes = Files.readAllBytes(cut);
    Files.write(cut, Arrays.copyOf(bytes, bytes.length / 2));
    assertThatThrownBy(() -> renderer(RGB).known(cut))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(cut + " is damaged");
  }

  @Test
  void knowsTheFormatOfItsSource() {
    try (var icons = ImageSourcesTest.open("icons,size=8,levels=4,subset=3")) {
      var renderer = (ImageRenderer) new ImageModality().renderer(icons);
      assertThat(renderer.format()).isEqualTo(icons.format());
      assertThat(renderer.condition()).isEqualTo(Condition.NONE);
      assertThat(icons.schema().space()).isEqualTo(Space.of(List.of(1, 8, 8), 4));
    }
  }
}
