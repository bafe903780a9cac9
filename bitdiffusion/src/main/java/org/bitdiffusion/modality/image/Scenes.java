package org.bitdiffusion.modality.image;

import java.awt.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bitdiffusion.Seed;

/**
 * Pictures of two or three icons in named colours, in a row or in a column, with five captions each
 * that say the same in different words: a small world in which it can be decided whether a caption
 * is true.
 *
 * <p>A picture is a function of its split and index. The splits differ in which objects are seen
 * together: a hash of the set of a picture's objects decides, so that no combination of the test
 * pictures occurs in training, though each of its objects does.
 */
public final class Scenes implements ImageSource {
  private static final int SIDE = 48;
  private static final int ICON = 16;
  private static final int BACKGROUND = 24;

  /** One combination of so many is for tests. */
  private static final int TEST = 10;

  static final Map<String, Integer> COLOURS = new LinkedHashMap<>();

  /** The names in captions, and those of the icons. */
  private static final Map<String, String> ICONS = new LinkedHashMap<>();

  static {
    COLOURS.put("red", 0xe53935);
    COLOURS.put("orange", 0xfb8c00);
    COLOURS.put("yellow", 0xfdd835);
    COLOURS.put("green", 0x43a047);
    COLOURS.put("blue", 0x1e88e5);
    COLOURS.put("purple", 0x8e24aa);
    COLOURS.put("pink", 0xf8a5c2);
    COLOURS.put("white", 0xffffff);
    for (var icon :
        List.of("star", "heart", "car", "fish", "bell", "key", "umbrella", "cat", "anchor")) {
      ICONS.put(icon, icon);
    }
    ICONS.put("house", "home");
    ICONS.put("tree", "pine-tree");
    ICONS.put("plane", "airplane");
  }

  /** A coloured icon. */
  record Item(String colour, String icon) {
    /** With its article: {@code an orange car}. */
    String phrase() {
      return (colour.equals("orange") ? "an " : "a ") + colour + " " + icon;
    }
  }

  /**
   * What a picture shows and a caption may say.
   *
   * @param row whether the objects stand in a row, else in a column
   * @param items from left to right, or from top to bottom
   */
  record Scene(boolean row, List<Item> items) {
    Scene {
      items = List.copyOf(items);
    }
  }

  /**
   * A way to say a scene: text in which {@code {0}} stands for the leftmost or uppermost object,
   * {@code {1}} for the next.
   */
  private record Phrasing(boolean row, int items, String text) {
    String of(Scene scene) {
      var words = text;
      for (var i = 0; i < scene.items().size(); i++) {
        words = words.replace("{" + i + "}", scene.items().get(i).phrase());
      }
      return words;
    }

    /** The text with all objects made equal, and which object each place names. */
    String skeleton() {
      return PLACE.matcher(text).replaceAll("@");
    }

    List<Integer> order() {
      return PLACE.matcher(text).results().map(m -> Integer.valueOf(m.group(1))).toList();
    }
  }

  private static final Pattern PLACE = Pattern.compile("\\{(\\d)}");

  private static final List<Phrasing> PHRASINGS =
      Stream.of(
              phrasings(
                  true,
                  2,
                  "{0} to the left of {1}",
                  "{1} to the right of {0}",
                  "there is {0} left of {1}",
                  "{1} with {0} on its left",
                  "on the left {0} , on the right {1}"),
              phrasings(
                  false,
                  2,
                  "{0} above {1}",
                  "{1} below {0}",
                  "there is {0} on top of {1}",
                  "{1} under {0}",
                  "at the top {0} , at the bottom {1}"),
              phrasings(
                  true,
                  3,
                  "{0} , {1} and {2} from left to right",
                  "{2} , {1} and {0} from right to left",
                  "{1} between {0} on the left and {2} on the right",
                  "there is {0} left of {1} left of {2}",
                  "on the left {0} , in the middle {1} , on the right {2}"),
              phrasings(
                  false,
                  3,
                  "{0} , {1} and {2} from top to bottom",
                  "{2} , {1} and {0} from bottom to top",
                  "{1} between {0} at the top and {2} at the bottom",
                  "there is {0} above {1} above {2}",
                  "at the top {0} , in the middle {1} , at the bottom {2}"))
          .flatMap(List::stream)
          .toList();

  private static List<Phrasing> phrasings(boolean row, int items, String... texts) {
    return Arrays.stream(texts).map(text -> new Phrasing(row, items, text)).toList();
  }

  private static final Pattern ITEM =
      Pattern.compile(
          "\\ban? (%s) (%s)\\b"
              .formatted(String.join("|", COLOURS.keySet()), String.join("|", ICONS.keySet())));

  private final boolean test;
  private final int size;
  private final Map<String, byte[]> shapes;

  private Scenes(boolean test, int size, Map<String, byte[]> shapes) {
    this.test = test;
    this.size = size;
    this.shapes = shapes;
  }

  /**
   * @param test whether the combinations are those that are never trained on
   * @param size number of pictures
   */
  static Scenes open(boolean test, int size) {
    var outlines = Icons.outlines();
    var shapes =
        ICONS.entrySet().stream()
            .collect(
                Collectors.toMap(
                    Map.Entry::getKey,
                    icon -> coverage(Objects.requireNonNull(outlines.get(icon.getValue())))));
    return new Scenes(test, size, shapes);
  }

  /** How much of each pixel an icon covers, 0 to 255. */
  private static byte[] coverage(Shape outline) {
    return Icons.paint(outline, ICON, 256);
  }

  @Override
  public String name() {
    return "scenes of icons, " + (test ? "test" : "train");
  }

  @Override
  public ImageFormat format() {
    return new ImageFormat(3, SIDE, SIDE, 256, List.of());
  }

  @Override
  public int size() {
    return size;
  }

  /** What a picture shows. */
  Scene scene(int index) {
    return scene(random(index));
  }

  private SplittableRandom random(int index) {
    Objects.checkIndex(index, size);
    return new SplittableRandom(Seed.of(test ? 1 : 0, index));
  }

  private Scene scene(SplittableRandom random) {
    while (true) {
      var row = random.nextBoolean();
      var count = 2 + random.nextInt(2);
      var items = new ArrayList<Item>();
      while (items.size() < count) {
        var item = new Item(pick(COLOURS, random), pick(ICONS, random));
        if (!items.contains(item)) {
          items.add(item);
        }
      }
      if (isForTests(items) == test) {
        return new Scene(row, items);
      }
    }
  }

  private static String pick(Map<String, ?> names, SplittableRandom random) {
    return List.copyOf(names.keySet()).get(random.nextInt(names.size()));
  }

  /** Decided by which objects there are, whatever their places. */
  static boolean isForTests(List<Item> items) {
    var key = items.stream().map(Item::phrase).sorted().collect(Collectors.joining(","));
    return Math.floorMod(Seed.of(key.hashCode()), TEST) == 0;
  }

  @Override
  public List<String> captions(int index) {
    var scene = scene(index);
    return PHRASINGS.stream()
        .filter(p -> p.row() == scene.row() && p.items() == scene.items().size())
        .map(p -> p.of(scene))
        .toList();
  }

  /** A caption is true if it says, in a known phrasing, all objects of the picture and places. */
  @Override
  public Optional<Boolean> isTrue(int index, String caption) {
    return Optional.of(parse(caption).filter(scene(index)::equals).isPresent());
  }

  /** What a caption says; empty if it is none of the known phrasings. */
  static Optional<Scene> parse(String caption) {
    var text = caption.toLowerCase(Locale.ROOT).replace(",", " , ").strip().replaceAll("\\s+", " ");
    var items = ITEM.matcher(text).results().map(m -> new Item(m.group(1), m.group(2))).toList();
    var skeleton = ITEM.matcher(text).replaceAll("@");
    for (var phrasing : PHRASINGS) {
      if (phrasing.skeleton().equals(skeleton) && phrasing.items() == items.size()) {
        var ordered = new ArrayList<>(Collections.nCopies(items.size(), (Item) null));
        for (var i = 0; i < items.size(); i++) {
          ordered.set(phrasing.order().get(i), items.get(i));
        }
        return Optional.of(new Scene(phrasing.row(), ordered));
      }
    }
    return Optional.empty();
  }

  @Override
  public void read(int index, int[] target, int offset) {
    var random = random(index);
    var scene = scene(random);
    Arrays.fill(target, offset, offset + 3 * SIDE * SIDE, BACKGROUND);
    var count = scene.items().size();
    var slot = SIDE / count;
    // The line of objects lies anywhere across, each object a little off it.
    var line = 4 + random.nextInt(SIDE - ICON - 7);
    for (var i = 0; i < count; i++) {
      var free = slot - ICON;
      var along = i * slot + (free == 0 ? 0 : random.nextInt(free + 1));
      var across = line + random.nextInt(9) - 4;
      paint(
          scene.items().get(i),
          scene.row() ? across : along,
          scene.row() ? along : across,
          target,
          offset);
    }
  }

  private void paint(Item item, int top, int left, int[] target, int offset) {
    var coverage = shapes.get(item.icon());
    var colour = COLOURS.get(item.colour());
    for (var c = 0; c < 3; c++) {
      var value = colour >> (16 - 8 * c) & 255;
      for (var i = 0; i < coverage.length; i++) {
        var at = offset + (c * SIDE + top + i / ICON) * SIDE + left + i % ICON;
        target[at] += Math.round((value - target[at]) * (coverage[i] & 255) / 255f);
      }
    }
  }
}
