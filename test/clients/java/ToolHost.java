// Runs Apache Kafka's command-line tools inside one JVM, because starting a JVM for each of some hundred invocations would
// take minutes: what their shell scripts call is called here, with standard input, output and error of its own for each.
// A command is a line of JSON {id, tool, args, input}, its reply a line {id, code, out, err}; commands run side by side.
// A tool that exits ends its thread only; what it wanted done at the exit of the JVM is done then.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.*;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.stream.StreamSupport;
import org.apache.kafka.common.utils.Exit;

public class ToolHost {
  static final ObjectMapper JSON = new ObjectMapper();

  /** One invocation. The threads that a tool starts belong to it as well. */
  static class Invocation {
    final ByteArrayOutputStream out = new ByteArrayOutputStream();
    final ByteArrayOutputStream err = new ByteArrayOutputStream();
    final List<Runnable> atExit = new ArrayList<>();
    final InputStream in;
    Integer code;

    Invocation(String input) {
      in = new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8));
    }

    /** The first code counts: tools that catch everything exit a second time. */
    synchronized void exits(int status) {
      if (code == null) code = status;
    }
  }

  static final InheritableThreadLocal<Invocation> current = new InheritableThreadLocal<>();

  /** Ends a tool that exits. Those that catch it print it. */
  static class Left extends Error {
    static final String PRINTED = "the tool has exited\nToolHost$Left: the tool has exited\n";

    Left() {
      super("the tool has exited", null, false, false);
    }
  }

  /** Output of the thread's invocation; what belongs to none is dropped. */
  static PrintStream output(java.util.function.Function<Invocation, OutputStream> which) {
    return new PrintStream(new OutputStream() {
      @Override
      public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
      }

      @Override
      public void write(byte[] bytes, int from, int length) throws IOException {
        if (current.get() != null) which.apply(current.get()).write(bytes, from, length);
      }
    }, true, StandardCharsets.UTF_8);
  }

  static final InputStream input = new InputStream() {
    @Override
    public int read() throws IOException {
      return current.get() == null ? -1 : current.get().in.read();
    }

    @Override
    public int read(byte[] bytes, int from, int length) throws IOException {
      return current.get() == null ? -1 : current.get().in.read(bytes, from, length);
    }
  };

  public static void main(String[] args) throws Exception {
    PrintStream replies = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
    BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    System.setOut(output(invocation -> invocation.out));
    System.setErr(output(invocation -> invocation.err));
    System.setIn(input);
    Exit.Procedure leave = (status, message) -> {
      if (current.get() != null) current.get().exits(status);
      throw new Left();
    };
    Exit.setExitProcedure(leave);
    Exit.setHaltProcedure(leave);
    Exit.setShutdownHookAdder((name, hook) -> {
      if (current.get() != null) current.get().atExit.add(hook);
    });
    for (String line = commands.readLine(); line != null; line = commands.readLine()) {
      JsonNode command = JSON.readTree(line);
      new Thread(() -> {
        ObjectNode reply = invoke(command);
        synchronized (replies) {
          replies.println(reply);
          replies.flush();
        }
      }, command.get("tool").asText()).start();
    }
    Runtime.getRuntime().halt(0);
  }

  static ObjectNode invoke(JsonNode command) {
    Invocation invocation = new Invocation(command.path("input").asText());
    current.set(invocation);
    String[] args = StreamSupport.stream(command.get("args").spliterator(), false).map(JsonNode::asText).toArray(String[]::new);
    try {
      Class.forName(command.get("tool").asText()).getMethod("main", String[].class).invoke(null, (Object) args);
      invocation.exits(0);
    } catch (InvocationTargetException error) {
      if (!(error.getCause() instanceof Left)) error.getCause().printStackTrace();
      invocation.exits(1);
    } catch (ReflectiveOperationException error) {
      error.printStackTrace();
      invocation.exits(127);
    }
    for (Runnable hook : invocation.atExit) hook.run();
    System.out.flush();
    ObjectNode reply = JSON.createObjectNode().put("id", command.get("id").asInt()).put("code", invocation.code);
    return reply.put("out", invocation.out.toString(StandardCharsets.UTF_8))
        .put("err", invocation.err.toString(StandardCharsets.UTF_8).replace(Left.PRINTED, "").strip());
  }
}
