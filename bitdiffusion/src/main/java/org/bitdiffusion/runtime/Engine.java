package org.bitdiffusion.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.global.torch;

/**
 * The numeric engine, libtorch, loaded once and set up once. Everything that touches a tensor goes
 * through {@link #load()} first; nothing else in the project loads native code, so commands that
 * need no tensor start without it.
 */
public final class Engine {
  private static boolean loaded;

  private Engine() {}

  /** Loads the engine on the first call, with one thread for each physical core. */
  public static synchronized void load() {
    if (loaded) {
      return;
    }
    // JavaCPP would read the process's size from the system at each native object that is made, to
    // run the garbage collector near a limit. Scopes free native memory here, so there is none.
    setUnlessGiven("org.bytedeco.javacpp.maxbytes", "0");
    setUnlessGiven("org.bytedeco.javacpp.maxphysicalbytes", "0");
    // All libraries of the engine's jar must lie in the cache before the first one is loaded:
    // otherwise an empty cache makes the loader take an older libtorch of the system, and crash.
    try {
      for (var build : List.of("", "-gpu")) { // of which one is there
        Loader.cacheResources("/org/bytedeco/pytorch/" + Loader.getPlatform() + build + "/");
      }
    } catch (IOException e) {
      throw new IllegalStateException(
          "the engine's native libraries cannot be unpacked to "
              + System.getProperty("org.bytedeco.javacpp.cachedir", "~/.javacpp/cache")
              + ": "
              + e.getMessage(),
          e);
    }
    // OpenBLAS keeps its own pool of spinning threads, which fight libtorch's for the cores.
    openblas_nolapack.blas_set_num_threads(1);
    torch.set_num_threads(physicalCores());
    torch.globalContext().setUserEnabledNNPACK(false); // warns at every float32 convolution
    loaded = true;
  }

  private static void setUnlessGiven(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }

  /** Sets the number of threads of one operation. */
  public static void threads(int threads) {
    load();
    torch.set_num_threads(threads);
  }

  /** The number of threads of one operation. */
  public static int threads() {
    load();
    return torch.get_num_threads();
  }

  /** The version of libtorch and of its binding, such as {@code 2.10.0-1.5.13}. */
  public static String version() {
    try {
      return Loader.getVersion("org.bytedeco", "pytorch");
    } catch (IOException e) {
      return "unknown";
    }
  }

  /** The native libraries that are loaded, with their files. */
  public static List<String> libraries() {
    load();
    return Loader.getLoadedLibraries().entrySet().stream()
        // JavaCPP also lists the CUDA libraries that it looked for in vain.
        .filter(library -> Files.exists(Path.of(library.getValue())))
        .map(library -> library.getKey() + " " + library.getValue())
        .sorted()
        .toList();
  }

  /** Whether a CUDA device can be used: the GPU build of the engine, and a GPU. */
  public static boolean hasCuda() {
    load();
    return torch.cuda_is_available();
  }

  /** Where networks run: the first GPU where there is one, else the CPU. */
  public static Device device() {
    return new Device(hasCuda() ? torch.DeviceType.CUDA : torch.DeviceType.CPU);
  }

  /**
   * The number of physical cores (hyper-threads share the vector units, and slow each other down).
   */
  public static int physicalCores() {
    var processors = Runtime.getRuntime().availableProcessors();
    try {
      var siblings =
          Files.readString(Path.of("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list"))
              .strip();
      var threadsPerCore = Pattern.compile("[,-]").split(siblings).length;
      return Math.max(1, processors / threadsPerCore);
    } catch (IOException e) {
      return processors; // not Linux
    }
  }
}
