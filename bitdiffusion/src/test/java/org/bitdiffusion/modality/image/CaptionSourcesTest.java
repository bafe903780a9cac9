package org.bitdiffusion.modality.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sources that read captions from files. */
class CaptionSourcesTest {
  @TempDir private Path folder;

  private void image(String name, Color colour) throws IOException {
    var image = new BufferedImage(64, 64, BufferedImage.TYPE_INT_RGB);
    var graphics = image.createGraphics();
    graphics.setColor(colour);
    graphics.fillRect(0, 0, 64, 64);
    graphics.dispose();
    var file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    ImageIO.write(image, "png", file.toFile());
  }

  private void text(String name, String content) throws IOException {
    var file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, content);
  }

  private static List<List<String>> captions(ImageSource source) {
    return IntStream.range(0, source.size()).mapToObj(source::captions).toList();
  }

  private void assertBroken(String line, String message) {
    assertThatThrownBy(() -> ImageSourcesTest.open(line).close())
        .isInstanceOf(DataException.class)
        .hasMessage(message.replace("FOLDER", folder.toString()));
  }

  @Test
  void cocoIsReadAsPublished() throws Exception {
    image("val2017/000000000007.png", Color.RED);
    image("val2017/000000000042.png", Color.BLUE);
    text(
        "annotations/captions_val2017.json",
        """
        {"info": {"year": 2017}, "licenses": [{"id": 1}],
         "images": [
          {"license": 1, "file_name": "000000000042.png", "coco_url": "", "height": 64, "width": 64,
           "date_captured": "2013-11-14 17:02:52", "flickr_url": "", "id": 42},
          {"license": 1, "file_name": "000000000007.png", "height": 64, "width": 64, "id": 7}],
         "annotations": [
          {"image_id": 7, "id": 100, "caption": "A red square. "},
          {"image_id": 42, "id": 101, "caption": "Something blue"},
          {"image_id": 7, "id": 102, "caption": "red"}]}
        """);
    try (var coco = ImageSourcesTest.open("coco:" + folder + ",split=val,size=8")) {
      assertThat(captions(coco))
          .containsExactly(List.of("Something blue"), List.of("A red square.", "red"));
      assertThat(coco.schema().space().shape()).containsExactly(3, 8, 8);
      ImageSourcesTest.assertAsExpected("coco:" + folder + ",split=val,size=8", coco);
      var blue = ImageSourcesTest.read(coco, 0);
      assertThat(blue[0]).isZero();
      assertThat(blue[128]).isEqualTo(255);
      ImageSourcesTest.assertSafeForSeveralThreads(coco);
    }
  }

  @Test
  void whatIsWrongInCocosFilesIsNamed() throws IOException {
    assertBroken(
        "coco:" + folder,
        "FOLDER/annotations/captions_train2017.json cannot be read: it or its folder does not"
            + " exist");
    var file = "annotations/captions_train2017.json";
    var place = "FOLDER/" + file;
    text(file, "{\"images\": [");
    assertBroken("coco:" + folder, place + " is damaged: line 1 is no JSON");
    text(file, "{\"images\": [], \"annotations\": []}\n{}"); // two files, one behind the other
    assertBroken("coco:" + folder, place + " is damaged: line 2 is no JSON");
    text(
        file, // which a float64 cannot tell from 9007199254740992
        "{\"images\": [{\"id\": 9007199254740993.0, \"file_name\": \"a.png\"}],"
            + " \"annotations\": []}");
    assertBroken(
        "coco:" + folder,
        place
            + ": the id of an image is 9.007199254740992E15; it must be a whole number of 64 bits");
    text(file, "{\"images\": []}");
    assertBroken(
        "coco:" + folder, place + " has no \"images\" and \"annotations\", as COCO's have");
    text(
        file,
        "{\"images\": [{\"id\": 1, \"file_name\": \"a.png\"}], \"annotations\": [{\"id\": 5,"
            + " \"image_id\": 2, \"caption\": \"x\"}]}");
    assertBroken(
        "coco:" + folder, place + ": annotation 5 is of image 2, which is not among its images");
    text(file, "{\"images\": [{\"id\": 1, \"file_name\": \"a.png\"}], \"annotations\": []}");
    assertBroken("coco:" + folder, place + ": image 1, a.png, has no caption");
    text(
        file,
        "{\"images\": [{\"id\": 1, \"file_name\": \"a.png\"}], \"annotations\": [{\"id\": 5,"
            + " \"image_id\": 1, \"caption\": \"x\"}]}");
    assertBroken(
        "coco:" + folder,
        "COCO train, 224x224, padded: the image FOLDER/train2017/a.png does not exist");
  }

  @Test
  void linesNameImagesBesideThem() throws IOException {
    image("a.png", Color.WHITE);
    image("more/b.png", Color.BLACK);
    text(
        "all.jsonl",
        """
        \ufeff{"image": "a.png", "caption": "white"}

        {"image": "more/b.png", "captions": ["black", "a dark square"]}
        """);
    try (var lines = ImageSourcesTest.open("captions:" + folder.resolve("all.jsonl") + ",size=4")) {
      assertThat(captions(lines))
          .containsExactly(List.of("white"), List.of("black", "a dark square"));
      ImageSourcesTest.assertAsExpected(
          "captions:" + folder.resolve("all.jsonl") + ",size=4", lines);
      assertThat(ImageSourcesTest.read(lines, 0)).containsOnly(255);
      assertThat(ImageSourcesTest.read(lines, 1)).containsOnly(0);
    }
  }

  @Test
  void wrongLinesAreNamed() throws IOException {
    image("a.png", Color.WHITE);
    var file = "x.jsonl";
    var line = "captions:" + folder.resolve(file);
    text(file, "\n{\"image\": \"a.png\"}\n");
    assertBroken(
        line,
        "FOLDER/x.jsonl, line 2: the image has no caption; give it \"caption\" or \"captions\"");
    for (var wrong :
        List.of("\"captions\": [\"x\", null]", "\"caption\": 7", "\"caption\": \" \"")) {
      text(file, "{\"image\": \"a.png\", " + wrong + "}");
      var caption = wrong.contains("null") ? "null" : wrong.contains("7") ? "7" : "\" \"";
      assertBroken(
          line,
          "FOLDER/x.jsonl, line 1: a caption is " + caption + "; it must be a text with words");
    }
    text(file, "{\"image\": \"b.png\", \"caption\": \"x\"}");
    assertBroken(line, "FOLDER/x.jsonl, line 1: the image FOLDER/b.png does not exist");
    text(file, "{\"caption\": \"x\"}");
    assertBroken(line, "FOLDER/x.jsonl, line 1 names no \"image\"");
    text(file, "a.png");
    assertBroken(line, "FOLDER/x.jsonl, line 1 is no JSON");
    Files.write(folder.resolve(file), new byte[] {'"', (byte) 0xe4, '"'});
    assertBroken(line, "FOLDER/x.jsonl cannot be read: it is not UTF-8; convert it");
    text(file, "");
    assertBroken(
        line, "captions of FOLDER/x.jsonl, 224x224, padded: there are no images with captions");
  }

  private void vendor(String vendor, Color colour) throws IOException {
    var place = "emoji-datasource-" + vendor;
    image(place + "/img/" + vendor + "/64/1f3c3.png", colour);
    image(place + "/img/" + vendor + "/64/1f3c3-1f3fb.png", colour);
    image(place + "/img/" + vendor + "/64/2b50.png", colour);
    text(
        place + "/emoji.json",
        """
        [{"name": "RUNNER", "unified": "1F3C3", "image": "1f3c3.png", "has_img_apple": true,
          "has_img_a": true, "has_img_b": true,
          "skin_variations": {"1F3FB": {"unified": "1F3C3-1F3FB", "image": "1f3c3-1f3fb.png",
            "has_img_a": true, "has_img_b": true},
           "1F3FB-1F3FF": {"unified": "x", "image": "missing.png", "has_img_a": false}}},
         {"name": "WHITE MEDIUM STAR", "unified": "2B50", "image": "2b50.png", "has_img_a": true,
          "has_img_b": false}]
        """);
  }

  @Test
  void emojiAreHeldOutByVendorOrByEmoji() throws IOException {
    vendor("a", Color.RED);
    vendor("b", Color.GREEN);
    var runner = List.of(List.of("runner"), List.of("runner with light skin"));
    try (var train = ImageSourcesTest.open("emoji:" + folder + ",size=16");
        var test = ImageSourcesTest.open("emoji:" + folder + ",size=16,split=test")) {
      assertThat(captions(train))
          .containsExactly(runner.get(0), runner.get(1), List.of("white medium star"));
      assertThat(captions(test)).isEqualTo(runner);
      ImageSourcesTest.assertAsExpected("emoji:" + folder + ",size=16,split=test", test);
      assertThat(ImageSourcesTest.read(train, 0)[0]).isEqualTo(255);
      assertThat(ImageSourcesTest.read(test, 0)[0]).isZero();
    }
    // By emoji, an emoji and all variations of its skin are on one side, of all vendors.
    try (var train = ImageSourcesTest.open("emoji:" + folder + ",hold_out=emoji")) {
      assertThat(train.size()).isEqualTo(5);
    }
    assertBroken(
        "emoji:" + folder + ",hold_out=emoji,split=test",
        "emoji in FOLDER at 64x64, test: there are no images with captions");
  }

  @Test
  void emojiWithoutTheirFilesAreNamedOrLeftOut() throws IOException {
    vendor("a", Color.RED);
    var file = folder.resolve("emoji-datasource-a/emoji.json");
    var image = folder.resolve("emoji-datasource-a/img/a/64/2b50.png");
    Files.delete(image);
    var line = "emoji:" + folder + ",hold_out=emoji,size=4";
    assertBroken(
        line,
        "emoji in FOLDER at 4x4, train: the image FOLDER/emoji-datasource-a/img/a/64/2b50.png does"
            + " not exist");
    try (var rest = ImageSourcesTest.open(line + ",skip_bad=true")) {
      assertThat(rest.size()).isEqualTo(2);
    }
    var list = Files.readString(file);
    Files.writeString(file, list.replace("2b50.png", "a\\u0000.png"));
    assertThatThrownBy(() -> ImageSourcesTest.open(line + ",skip_bad=true"))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(file + ": 'a\0.png' is no name of a file: ");
    Files.writeString(file, list + list);
    assertBroken(line, "FOLDER/emoji-datasource-a/emoji.json is damaged: it is no JSON");
  }

  @Test
  void foldersWithoutEmojiAreNamed() throws IOException {
    assertBroken(
        "emoji:" + folder,
        "FOLDER holds no unpacked package emoji-datasource-VENDOR, with emoji.json and"
            + " img/VENDOR/64");
    vendor("a", Color.RED);
    assertBroken(
        "emoji:" + folder,
        "FOLDER holds one vendor's emoji only; add another, or use hold_out=emoji");
  }

  @Test
  void cocosIdsAreWholeNumbersOf64Bits() throws IOException {
    var file = "annotations/captions_train2017.json";
    var place = "FOLDER/" + file;
    var all =
        "{\"images\":[{\"id\":%s,\"file_name\":\"a.png\"},{\"id\":%s,\"file_name\":\"b.png\"}],"
            + "\"annotations\":[{\"id\":1,\"image_id\":%s,\"caption\":\"x\"},"
            + "{\"id\":2,\"image_id\":%s,\"caption\":\"y\"}]}";
    image("train2017/a.png", Color.WHITE);
    image("train2017/b.png", Color.BLACK);
    text(file, all.formatted("1", "9223372036854775807", "9223372036854775807", "1.0"));
    try (var coco = ImageSourcesTest.open("coco:" + folder + ",size=4")) {
      assertThat(captions(coco)).containsExactly(List.of("y"), List.of("x"));
    }
    text(file, all.formatted("1", "9007199254740991", "9007199254740991.0", "1"));
    ImageSourcesTest.open("coco:" + folder + ",size=4").close();
    text(file, all.formatted("1", "2", "2", "1") + all.formatted("3", "4", "4", "3"));
    assertBroken("coco:" + folder, place + " is damaged: line 1 is no JSON");
    text(file, all.formatted("1", "1", "1", "1"));
    assertBroken("coco:" + folder, place + ": two images have the id 1");
    text(file, all.formatted("1", "1.0", "1", "1"));
    assertBroken("coco:" + folder, place + ": two images have the id 1");
    for (var id :
        List.of(
            "18446744073709551617",
            "1.5",
            "1e300",
            "\"1\"",
            "null",
            "1e17",
            "9007199254740993.0")) {
      var shown =
          Map.of("1e300", "1.0E300", "1e17", "1.0E17", "9007199254740993.0", "9.007199254740992E15")
              .getOrDefault(id, id);
      text(file, all.formatted(id, "1", "1", "1"));
      assertBroken(
          "coco:" + folder,
          place + ": the id of an image is " + shown + "; it must be a whole number of 64 bits");
      text(file, all.formatted("1", "2", id, "1"));
      assertBroken(
          "coco:" + folder,
          place
              + ": the id of the image of an annotation is "
              + shown
              + "; it must be a whole number of 64 bits");
    }
  }

  /** NUL is in no name of a file, and half a surrogate pair in none of UTF-8. */
  @ParameterizedTest
  @ValueSource(strings = {"a\\u0000.png", "\\ud800.png"})
  void namesThatNoFileCanHaveAreNamed(String name) throws IOException {
    text("x.jsonl", "{\"image\":\"" + name + "\",\"caption\":\"x\"}");
    text(
        "annotations/captions_train2017.json",
        "{\"images\":[{\"id\":1,\"file_name\":\""
            + name
            + "\"}],\"annotations\":[{\"id\":1,\"image_id\":1,\"caption\":\"x\"}]}");
    for (var source :
        List.of(
            "captions:" + folder.resolve("x.jsonl"),
            "coco:" + folder,
            "images:" + folder + "/a\0b")) {
      assertThatThrownBy(() -> ImageSourcesTest.open(source))
          .isInstanceOfAny(DataException.class, ConfigurationException.class)
          .message()
          .matches(
              "(?s).*(line 1: '.*' is no name of a file|: '.*' is no name of a file|data path '.*' is none): .*");
    }
  }

  /** A picture with a column of white at its left edge, else of one colour. */
  private void picture(String name, int width, int height, int colour) throws IOException {
    var image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    for (var y = 0; y < height; y++) {
      for (var x = 0; x < width; x++) {
        image.setRGB(x, y, x == 0 ? 0xffffff : colour);
      }
    }
    var file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    ImageIO.write(image, "png", file.toFile());
  }

  /** A folder as COCO's: a wide picture, a small one, one that is cut off, and one that is gone. */
  private void coco() throws IOException {
    picture("val2017/wide.png", 8, 4, 0);
    picture("val2017/small.png", 3, 2, 0);
    picture("val2017/cut.png", 8, 8, 0);
    var cut = folder.resolve("val2017/cut.png");
    Files.write(cut, Arrays.copyOf(Files.readAllBytes(cut), 45));
    var images = new ArrayList<String>();
    var annotations = new ArrayList<String>();
    for (var name : List.of("wide", "cut", "small", "gone")) {
      var id = images.size();
      images.add("{\"id\": %d, \"file_name\": \"%s.png\"}".formatted(id, name));
      annotations.add(
          "{\"id\": %d, \"image_id\": %d, \"caption\": \"%s\"}".formatted(id, id, name));
    }
    text(
        "annotations/captions_val2017.json",
        "{\"images\": %s, \"annotations\": %s}".formatted(images, annotations));
  }

  @Test
  void badPicturesAreNamedBeforeTheWorkBegins() throws IOException {
    coco();
    var line = "coco:" + folder + ",split=val,size=4";
    assertBroken(line, "COCO val, 4x4, padded: the image FOLDER/val2017/gone.png does not exist");
    picture("val2017/gone.png", 8, 8, 0);
    assertThatThrownBy(() -> ImageSourcesTest.open(line))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(folder + "/val2017/cut.png is damaged")
        .hasMessageEndingWith("; ',skip_bad=true' after the path leaves bad images out");
  }

  @Test
  void badPicturesAreLeftOutWhereAskedFor() throws IOException {
    coco();
    var line = "coco:" + folder + ",split=val,size=4,skip_bad=true";
    try (var padded = ImageSourcesTest.open(line);
        var cropped = ImageSourcesTest.open(line + ",fit=crop")) {
      assertThat(captions(padded)).containsExactly(List.of("wide"), List.of("small"));
      assertThat(captions(cropped)).containsExactly(List.of("wide")); // the other is too small
      // 8x4 to 4x2: the white column becomes half of one; below it 0.3 of white.
      assertThat(Arrays.copyOf(ImageSourcesTest.read(padded, 0), 16))
          .containsExactly(128, 0, 0, 0, 128, 0, 0, 0, 77, 77, 77, 77, 77, 77, 77, 77);
      assertThat(Arrays.copyOf(ImageSourcesTest.read(cropped, 0), 16)).containsOnly(0);
      // 3x2 to 4x3, as 2 4/3 is rounded: columns of 3/4, of which the second is a third white.
      assertThat(Arrays.copyOf(ImageSourcesTest.read(padded, 1), 16))
          .containsExactly(255, 85, 0, 0, 255, 85, 0, 0, 255, 85, 0, 0, 77, 77, 77, 77);
    }
    var jsonl = "captions:" + folder.resolve("x.jsonl") + ",size=4,skip_bad=true";
    text(
        "x.jsonl",
        """
        {"image": "val2017/cut.png", "caption": "cut"}
        {"image": "val2017/none.png", "caption": "gone"}
        {"image": "val2017/wide.png", "caption": "wide"}
        """);
    try (var lines = ImageSourcesTest.open(jsonl)) {
      assertThat(captions(lines)).containsExactly(List.of("wide"));
    }
    Files.delete(folder.resolve("val2017/wide.png"));
    Files.delete(folder.resolve("val2017/small.png"));
    assertThatThrownBy(() -> ImageSourcesTest.open(line))
        .hasMessageStartingWith("COCO val, 4x4, padded holds no image that can be used: ")
        .hasMessageEndingWith(" (and so on)");
  }

  /** More than the memory holds: checked all the same, and decoded again whenever it is read. */
  @Test
  void picturesThatDoNotFitIntoTheMemoryAreCheckedToo() throws Exception {
    coco();
    var files = Stream.of("wide", "cut", "small").map(this::inVal).toList();
    var texts = List.of(List.of("a"), List.of("b"), List.of("c"));
    var strict = new CaptionedFiles.Settings(4, Fit.PAD, false);
    assertThatThrownBy(() -> CaptionedFiles.open("x", strict, files, texts, 0))
        .hasMessageContaining("cut.png is damaged");
    var skipping = new CaptionedFiles.Settings(4, Fit.PAD, true);
    var bytes = 3 * 3 * 4 * 4;
    try (var small = (CaptionedFiles) CaptionedFiles.open("x", skipping, files, texts, bytes - 1);
        var large = (CaptionedFiles) CaptionedFiles.open("x", skipping, files, texts, bytes)) {
      assertThat(small.images()).isEmpty();
      assertThat(large.images().length).isEqualTo(2);
      assertThat(captions(small)).containsExactly(List.of("a"), List.of("c"));
      for (var i = 0; i < 2; i++) {
        assertThat(ImageSourcesTest.read(small, i)).isEqualTo(ImageSourcesTest.read(large, i));
      }
      ImageSourcesTest.assertSafeForSeveralThreads(small);
    }
  }

  private Path inVal(String name) {
    return folder.resolve("val2017/" + name + ".png");
  }
}
