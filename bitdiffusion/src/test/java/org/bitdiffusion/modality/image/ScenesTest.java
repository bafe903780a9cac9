package org.bitdiffusion.modality.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class ScenesTest {
  private static final int COUNT = 3000;

  @Test
  void allCaptionsOfAPictureAreDifferentAndTrueOfItAndOfNoOther() {
    var scenes = Scenes.open(false, 300);
    for (var i = 0; i < scenes.size(); i++) {
      var captions = scenes.captions(i);
      assertThat(captions).hasSize(5).doesNotHaveDuplicates();
      for (var caption : captions) {
        assertThat(scenes.isTrue(i, caption)).as(caption).contains(true);
        assertThat(Scenes.parse(caption)).contains(scenes.scene(i));
        // As a tokenizer of words gives it back.
        assertThat(scenes.isTrue(i, caption.replace(" ,", ",").toUpperCase(java.util.Locale.ROOT)))
            .contains(true);
        assertThat(scenes.isTrue((i + 1) % scenes.size(), caption)).as(caption).contains(false);
      }
    }
  }

  @Test
  void captionsThatAreWrongInOneWordAreFalse() {
    var scene =
        new Scenes.Scene(
            true, List.of(new Scenes.Item("red", "star"), new Scenes.Item("orange", "house")));
    assertThat(Scenes.parse("a red star to the left of an orange house")).contains(scene);
    assertThat(Scenes.parse("an orange house to the right of a red star")).contains(scene);
    assertThat(Scenes.parse("a red star to the right of an orange house"))
        .hasValueSatisfying(other -> assertThat(other).isNotEqualTo(scene));
    assertThat(Scenes.parse("a red star above an orange house"))
        .hasValueSatisfying(other -> assertThat(other.row()).isFalse());
    assertThat(Scenes.parse("a red star to the left of an orange")).isEmpty();
    assertThat(Scenes.parse("a red star to the left of an orange house house")).isEmpty();
    assertThat(Scenes.parse("a red star to the left")).isEmpty();
    assertThat(Scenes.parse("")).isEmpty();
  }

  @Test
  void noCombinationOfTheTestsIsTrainedOnButEachOfItsObjectsIs() {
    var train = Scenes.open(false, COUNT);
    var test = Scenes.open(true, COUNT);
    var seen = new HashSet<Set<Scenes.Item>>();
    var items = new HashSet<Scenes.Item>();
    for (var i = 0; i < COUNT; i++) {
      seen.add(Set.copyOf(train.scene(i).items()));
      items.addAll(train.scene(i).items());
    }
    assertThat(items).hasSize(8 * 12);
    for (var i = 0; i < COUNT; i++) {
      var combination = Set.copyOf(test.scene(i).items());
      assertThat(seen).doesNotContain(combination);
      assertThat(items).containsAll(combination);
    }
  }

  /** Objects lie within the picture, do not overlap, and stand in the order that is told. */
  @Test
  void picturesShowWhatTheCaptionsSay() {
    var scenes = Scenes.open(false, 200);
    var background = 24;
    for (var index = 0; index < scenes.size(); index++) {
      var symbols = ImageSourcesTest.read(scenes, index);
      var scene = scenes.scene(index);
      var side = scenes.format().height();
      // Pixels that are not background, along the line of objects, fall into as many runs.
      var runs = 0;
      var before = false;
      for (var along = 0; along < side; along++) {
        var any = false;
        for (var across = 0; across < side; across++) {
          var at = scene.row() ? across * side + along : along * side + across;
          any |=
              Math.abs(symbols[at] - background)
                      + Math.abs(symbols[side * side + at] - background)
                      + Math.abs(symbols[2 * side * side + at] - background)
                  > 150;
        }
        if (any && !before) {
          runs++;
        }
        before = any;
      }
      assertThat(runs).as("%d: %s", index, scene).isGreaterThanOrEqualTo(scene.items().size());
    }
  }

  /**
   * Each object's third or half of the picture has pixels of its colour and of no other, and they
   * have one shape for each icon.
   */
  @Test
  void eachObjectIsInItsPlaceInItsColourAndShape() {
    var scenes = Scenes.open(true, 300);
    var side = scenes.format().height();
    var shapes = new HashMap<String, Set<Integer>>();
    for (var index = 0; index < scenes.size(); index++) {
      var symbols = ImageSourcesTest.read(scenes, index);
      var scene = scenes.scene(index);
      var slot = side / scene.items().size();
      for (var i = 0; i < scene.items().size(); i++) {
        var item = scene.items().get(i);
        var shape = new TreeSet<Integer>();
        for (var at = 0; at < side * side; at++) {
          var along = scene.row() ? at % side : at / side;
          if (along / slot == i) {
            var colour =
                symbols[at] << 16 | symbols[side * side + at] << 8 | symbols[2 * side * side + at];
            if (colour == Scenes.COLOURS.get(item.colour())) {
              shape.add(at);
            } else {
              assertThat(Scenes.COLOURS).as("%d: %s", index, scene).doesNotContainValue(colour);
            }
          }
        }
        assertThat(shape).as("%d: %s", index, scene).hasSizeGreaterThan(4);
        var first = shape.first();
        var moved = shape.stream().map(at -> at - first).collect(Collectors.toSet());
        assertThat(moved).isEqualTo(shapes.computeIfAbsent(item.icon(), icon -> moved));
      }
    }
    assertThat(shapes).hasSize(12);
    assertThat(shapes.values()).doesNotHaveDuplicates();
  }

  @Test
  void aPictureDependsOnItsIndexAlone() throws Exception {
    assertThat(ImageSourcesTest.read(Scenes.open(false, 10), 7))
        .isEqualTo(ImageSourcesTest.read(Scenes.open(false, 1000), 7))
        .isNotEqualTo(ImageSourcesTest.read(Scenes.open(false, 10), 8));
    try (var scenes = ImageSourcesTest.open("scenes,count=50")) {
      ImageSourcesTest.assertSafeForSeveralThreads(scenes);
    }
  }
}
