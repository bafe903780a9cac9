package org.bitdiffusion.modality.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
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
        "coco:" + folder, "COCO train, 224x224: the image FOLDER/train2017/a.png does not exist");
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
    assertBroken(line, "captions of FOLDER/x.jsonl: there are no images with captions");
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
           "1F3FB-1F3FF": {"unified": "x", "image": "missing.png", "has_img_a": true}}},
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
    text(file, all.formatted("1", "1", "1", "1"));
    assertBroken("coco:" + folder, place + ": two images have the id 1");
    text(file, all.formatted("1", "1.0", "1", "1"));
    assertBroken("coco:" + folder, place + ": two images have the id 1");
    for (var id : List.of("18446744073709551617", "1.5", "1e300", "\"1\"", "null", "1e17")) {
      var shown = id.equals("1e300") ? "1.0E300" : id.equals("1e17") ? "1.0E17" : id;
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
}
