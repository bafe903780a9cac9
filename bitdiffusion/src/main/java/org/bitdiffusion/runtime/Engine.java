package org.bitdiffusion.runtime;

import com.sun.management.OperatingSystemMXBean;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.regex.Pattern;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.bytedeco.pytorch.global.torch;

/**
 * The numeric engine, libtorch, loaded once and set up once. Everything that touches a tensor goes
 * through {@link #load()} first; nothing else in the project loads native code, so commands that
 * need no tensor start without it.
 */
public final class Engine {
  private static boolean loaded;
  private static volatile int threads;

  private Engine() {}

  /**
   * Loads the engine on the first call, with one thread for each physical core.
   *
   * @throws DataException if its libraries cannot be unpacked to a folder that nobody else may
   *     write, see {@link NativeCode}, or those of CUDA that it needs are missing
   */
  public static synchronized void load() {
    if (loaded) {
      return;
    }
    // JavaCPP would read the process's size from the system at each native object that is made, to
    // run the garbage collector near a limit. Scopes free native memory here, so there is none.
    setUnlessGiven("org.bytedeco.javacpp.maxbytes", "0");
    setUnlessGiven("org.bytedeco.javacpp.maxphysicalbytes", "0");
    var cache = NativeCode.ENGINE.folder();
    // All libraries of the engine's jar must lie in the cache before the first one is loaded:
    // otherwise an empty cache makes the loader take an older libtorch of the system, and crash.
    var unpacked = new ArrayList<File>();
    try {
      for (var build : List.of("", "-gpu")) { // of which one is there
        var folder = "/org/bytedeco/pytorch/" + Loader.getPlatform() + build + "/";
        unpacked.addAll(List.of(Loader.cacheResources(folder)));
      }
    } catch (IOException e) {
      throw new DataException(
          "the engine's native libraries (450 MB for the CPU) cannot be unpacked to %s: %s; make room there, or"
                  .formatted(cache, e.getMessage())
              + " choose another place with -Dorg.bytedeco.javacpp.cachedir=DIR",
          e);
    }
    loadCuda(unpacked);
    // OpenBLAS keeps its own pool of spinning threads, which fight libtorch's for the cores.
    openblas_nolapack.blas_set_num_threads(1);
    threads = physicalCores();
    torch.set_num_threads(threads);
    torch.globalContext().setUserEnabledNNPACK(false); // warns at every float32 convolution
    torch.globalContext().setAllowTF32CuDNN(false); // float32 means float32
    loaded = true;
  }

  /**
   * Loads libtorch for CUDA where the GPU build is there. Without NVIDIA's libraries JavaCPP would
   * go on in silence, and take an older libtorch of the system where there is one, and crash.
   *
   * @param folders of the engine's unpacked libraries
   * @throws DataException if one that it links to is missing
   */
  static void loadCuda(List<File> folders) {
    for (var folder : folders) {
      var library =
          new File(folder, "libtorch_cuda.so"); // elsewhere JavaCPP looks for what it needs
      if (library.exists()) {
        Loader.load(openblas_nolapack.class); // libtorch links to it
        try {
          System.load(library.getAbsolutePath());
        } catch (UnsatisfiedLinkError e) {
          throw new DataException(
              "the engine for NVIDIA GPUs cannot be loaded (%s); install CUDA 13, cuDNN 9 and NCCL 2 where the"
                      .formatted(e.getMessage())
                  + " system's loader finds them (LD_LIBRARY_PATH), or build without the profile cuda",
              e);
        }
      }
    }
  }

  private static void setUnlessGiven(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }

  /**
   * Sets the number of threads that compute, from then on: those of one operation on the calling
   * thread and on threads that are new to the engine, and those that {@link Workers} share.
   *
   * @throws ConfigurationException if it is not in 1 to {@link #mostThreads()}
   */
  public static void threads(int threads) {
    if (threads < 1 || threads > mostThreads()) {
      throw new ConfigurationException(
          "%d threads cannot compute; it must be at least 1, and here at most %d"
              .formatted(threads, mostThreads()));
    }
    load();
    Engine.threads = threads;
    torch.set_num_threads(threads);
  }

  /**
   * The most threads that may compute: 4 for each processor, but 64 on small machines too. The
   * engine ends the process where the system has no room for so many as are asked for.
   */
  public static int mostThreads() {
    return Math.max(64, 4 * Runtime.getRuntime().availableProcessors());
  }

  /** The bytes of memory that this machine, or this process's share of it, has. */
  public static long memory() {
    return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
  }

  /** The number of threads that compute. */
  public static int threads() {
    load();
    return threads;
  }

  /**
   * Sets the number of threads of one operation on the calling thread, and on threads that are new
   * to the engine, which take what was set last by any.
   *
   * @return whether it was another number before
   */
  static boolean threadsOfThisThread(int threads) {
    // A new thread's first question gives it that last number, which would undo an earlier setting.
    if (torch.get_num_threads() == threads) {
      return false;
    }
    torch.set_num_threads(threads);
    return true;
  }

  /**
   * Gives native memory that is free back to the system. The allocator keeps what was freed for the
   * next step, which is fast while all steps are alike; after work of another kind, such as samples
   * between steps of a training, what it keeps is of no use, and would add up.
   */
  public static void releaseFreeMemory() {
    load();
    Pointer.trimMemory();
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

  /**
   * The number of physical cores that this process may use: hyper-threads share the vector units,
   * and slow each other down. A container's share of processor time counts as that many cores.
   */
  public static int physicalCores() {
    var processors = Runtime.getRuntime().availableProcessors();
    try {
      var allowed = allowedProcessors(Files.readString(Path.of("/proc/self/status")));
      var cores = new HashSet<String>();
      for (var i = allowed.nextSetBit(0); i >= 0; i = allowed.nextSetBit(i + 1)) {
        var siblings = "/sys/devices/system/cpu/cpu" + i + "/topology/thread_siblings_list";
        cores.add(Files.readString(Path.of(siblings)).strip());
      }
      return cores.isEmpty() ? processors : Math.min(processors, cores.size());
    } catch (IOException e) {
      return processors; // not Linux
    }
  }

  /** The processors in a line such as {@code Cpus_allowed_list: 0-3,8}. */
  static BitSet allowedProcessors(String status) {
    var allowed = new BitSet();
    var list = Pattern.compile("Cpus_allowed_list:\\s*([\\d,-]+)").matcher(status);
    if (list.find()) {
      for (var range : list.group(1).split(",")) {
        var ends = range.split("-");
        allowed.set(Integer.parseInt(ends[0]), Integer.parseInt(ends[ends.length - 1]) + 1);
      }
    }
    return allowed;
  }
}
