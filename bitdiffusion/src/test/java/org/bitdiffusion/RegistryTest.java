package org.bitdiffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RegistryTest {
  @TempDir private Path folder;

  /** A question. */
  public interface Fruit extends Named {}

  /** An answer. */
  public static final class Apple implements Fruit {
    @Override
    public String name() {
      return "apple";
    }
  }

  /** Another one. */
  public static final class Orange implements Fruit {
    @Override
    public String name() {
      return "orange";
    }
  }

  /** One whose name is taken. */
  public static final class Imitation implements Fruit {
    @Override
    public String name() {
      return "apple";
    }
  }

  /** One that cannot be made. */
  public static final class Rotten implements Fruit {
    public Rotten() {
      throw new IllegalStateException("rotten");
    }

    @Override
    public String name() {
      return "rotten";
    }
  }

  /** One that fails when it is asked. */
  public static final class Mute implements Fruit {
    @Override
    public String name() {
      throw new NoClassDefFoundError("Tongue");
    }
  }

  /** One without a name. */
  public static final class Nameless implements Fruit {
    @Override
    public String name() {
      return null;
    }
  }

  @Test
  void providersThatFailWhenAskedAreLeftOut() {
    var fruits =
        Registry.of("fruit", List.<Fruit>of(new Mute(), new Nameless(), new Apple(), new Apple()));
    assertThat(fruits.names()).containsExactly("apple");
    assertThatThrownBy(() -> fruits.get("basket.fruit", "banana"))
        .hasMessageEndingWith(
            "; not loaded: java.lang.NoClassDefFoundError: Tongue; %s has no name"
                .formatted(Nameless.class.getName()));
  }

  @Test
  void answersAreFoundByNameInTheirOrder() {
    var fruits = Registry.of("fruit", List.<Fruit>of(new Orange(), new Apple()));
    assertThat(fruits.names()).containsExactly("orange", "apple");
    assertThat(fruits.all()).hasSize(2);
    assertThat(fruits.get("basket.fruit", "apple")).isInstanceOf(Apple.class);
    assertThat(fruits.find("orange")).get().isInstanceOf(Orange.class);
    assertThat(fruits.find("pear")).isEmpty();
  }

  @Test
  void anUnknownNameIsToldWhatThereIsAndTheNearest() {
    var fruits = Registry.of("fruit", List.<Fruit>of(new Orange(), new Apple()));
    assertThatThrownBy(() -> fruits.get("basket.fruit", "aple"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "basket.fruit is 'aple', but no fruit of that name is on the class path; there are"
                + " orange, apple; did you mean apple?");
    assertThatThrownBy(() -> fruits.get("basket.fruit", "banana"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageEndingWith("there are orange, apple");
  }

  @Test
  void aNameOfAClosedListIsRequired() {
    Registry.require("basket.fruit", "pear", List.of("apple", "pear"));
    assertThatThrownBy(
            () -> Registry.require("basket.fruit", "paer", List.of("apple", "pear", "fig")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("basket.fruit 'paer' is unknown; use apple, pear or fig; did you mean pear?");
    assertThat(Registry.choice(List.of("apple"))).isEqualTo("apple");
  }

  @Test
  void theFirstOfANameStaysAndTheOtherIsNamed() {
    var fruits = Registry.of("fruit", List.<Fruit>of(new Apple(), new Imitation(), new Orange()));
    assertThat(fruits.names()).containsExactly("apple", "orange");
    assertThat(fruits.get("basket.fruit", "apple")).isInstanceOf(Apple.class);
    assertThatThrownBy(() -> fruits.get("basket.fruit", "imitation"))
        .hasMessageEndingWith(
            "; not loaded: %s has the name of %s"
                .formatted(Imitation.class.getName(), Apple.class.getName()));
  }

  /** As a jar of somebody else's may be: those before and after it are there all the same. */
  @Test
  void providersThatCannotBeLoadedAreNamedWhereTheyMayBeMissed() throws IOException {
    var services = Files.createDirectories(folder.resolve("META-INF/services"));
    Files.write(
        services.resolve(Fruit.class.getName()),
        List.of(
            Apple.class.getName(),
            "no.such.Melon",
            Rotten.class.getName(),
            Orange.class.getName()));
    var thread = Thread.currentThread();
    var before = thread.getContextClassLoader();
    try (var loader = new URLClassLoader(new URL[] {folder.toUri().toURL()}, before)) {
      thread.setContextClassLoader(loader);
      var fruits = Registry.load(Fruit.class, "fruit");
      assertThat(fruits.names()).containsExactly("apple", "orange");
      assertThatThrownBy(() -> fruits.get("basket.fruit", "melon"))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("; not loaded: ")
          .hasMessageContaining("no.such.Melon not found")
          .hasMessageContaining(Rotten.class.getName())
          .hasMessageContaining("IllegalStateException: rotten");
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  @Test
  void theNearestNameDiffersByAThirdAtMost() {
    assertThat(Registry.distance("kitten", "sitting")).isEqualTo(3);
    assertThat(Registry.distance("", "abc")).isEqualTo(3);
    assertThat(Registry.nearest("oragne", List.of("apple", "orange"))).contains("orange");
    assertThat(Registry.nearest("grape", List.of("orange", "melon"))).isEmpty();
  }
}
