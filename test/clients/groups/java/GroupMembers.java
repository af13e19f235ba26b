// Members of groups that are consumers of the Java client, of either protocol, a thread for each. Commands and events are
// those of events.ts. Partitions are reported as revoked from within the rebalance listener, that is before the coordinator
// is told; positions are committed there first.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.*;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.serialization.StringDeserializer;

public class GroupMembers {
  static final ObjectMapper JSON = new ObjectMapper();
  static final PrintStream OUT = new PrintStream(System.out, false, StandardCharsets.UTF_8);
  static final long COMMIT_MS = 200;
  static final Duration PATIENCE = Duration.ofSeconds(20);

  public static void main(String[] args) throws Exception {
    Map<String, Member> members = new HashMap<>();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonNode command = JSON.readTree(line);
      String name = command.path("member").asText();
      switch (command.get("op").asText()) {
        case "start" -> {
          Member member = new Member(command);
          members.put(name, member);
          member.start();
        }
        case "stop" -> members.get(name).leave();
        case "commitAlone", "fetchCommitted" -> alone(command);
        default -> members.get(name).asked.add(command);
      }
    }
    for (Member member : members.values()) member.stopping = true;
    for (Member member : members.values()) member.join(20_000);
    System.exit(0);
  }

  static double now() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1000.0 + now.getNano() / 10_000 / 100.0;
  }

  static void tell(String member, String event, ObjectNode fields) {
    fields.put("event", event).put("member", member).put("at", now());
    synchronized (OUT) {
      try {
        OUT.println(JSON.writeValueAsString(fields));
      } catch (java.io.IOException error) {
        throw new UncheckedIOException(error);
      }
      OUT.flush();
    }
  }

  static int code(Throwable error) {
    return Errors.forException(error instanceof ExecutionException ? error.getCause() : error).code();
  }

  static void alone(JsonNode command) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", command.get("bootstrap").asText());
    properties.put("group.id", command.get("group").asText());
    properties.put("enable.auto.commit", false);
    ObjectNode reply = JSON.createObjectNode().put("id", command.get("id").asInt());
    try (Consumer<String, String> consumer =
        new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer())) {
      JsonNode place = command.has("place") ? command.get("place") : command.get("offset");
      TopicPartition partition = new TopicPartition(place.get(0).asText(), place.get(1).asInt());
      consumer.assign(List.of(partition));
      if (command.has("offset")) {
        String metadata = command.get("metadata").asText();
        consumer.commitSync(Map.of(partition, new OffsetAndMetadata(place.get(2).asLong(), metadata)));
      } else {
        OffsetAndMetadata found = consumer.committed(Set.of(partition)).get(partition);
        reply.put("offset", found == null ? -1 : found.offset()).put("metadata", found == null ? "" : found.metadata());
      }
      reply.put("ok", true);
    } catch (Exception error) {
      reply.put("ok", false).put("code", code(error)).put("text", String.valueOf(error));
    }
    tell("", "reply", reply);
  }

  static class Member extends Thread implements ConsumerRebalanceListener {
    final JsonNode spec;
    final String name;
    final boolean async;
    final Queue<JsonNode> asked = new ConcurrentLinkedQueue<>();
    final Map<TopicPartition, Long> positions = new HashMap<>();
    final Set<TopicPartition> owned = new TreeSet<>(
        Comparator.comparing(TopicPartition::topic).thenComparingInt(TopicPartition::partition));
    volatile boolean stopping;
    Consumer<String, String> consumer;

    Member(JsonNode spec) {
      this.spec = spec;
      this.name = spec.get("member").asText();
      this.async = spec.get("commit").asText().equals("async");
      setDaemon(true);
    }

    void leave() {
      say("leaving", JSON.createObjectNode());
      stopping = true;
    }

    void say(String event, ObjectNode fields) {
      tell(name, event, fields);
    }

    void places(String event, Collection<TopicPartition> partitions) {
      ObjectNode fields = JSON.createObjectNode();
      ArrayNode places = fields.putArray("places");
      for (TopicPartition partition : partitions) places.addArray().add(partition.topic()).add(partition.partition());
      say(event, fields);
    }

    Properties properties() {
      Properties properties = new Properties();
      properties.put("bootstrap.servers", spec.get("bootstrap").asText());
      properties.put("group.id", spec.get("group").asText());
      properties.put("client.id", name);
      properties.put("enable.auto.commit", false);
      properties.put("auto.offset.reset", "earliest");
      properties.put("reconnect.backoff.max.ms", 1000);
      boolean consumerProtocol = spec.get("protocol").asText().equals("consumer");
      properties.put("group.protocol", spec.get("protocol").asText());
      String assignor = spec.path("assignor").asText("");
      if (consumerProtocol) {
        if (!assignor.isEmpty()) properties.put("group.remote.assignor", assignor);
      } else {
        if (spec.has("sessionTimeoutMs")) properties.put("session.timeout.ms", spec.get("sessionTimeoutMs").asInt());
        String prefix = "org.apache.kafka.clients.consumer.";
        switch (assignor) {
          case "range" -> properties.put("partition.assignment.strategy", prefix + "RangeAssignor");
          case "roundrobin" -> properties.put("partition.assignment.strategy", prefix + "RoundRobinAssignor");
          case "cooperative-sticky" ->
              properties.put("partition.assignment.strategy", prefix + "CooperativeStickyAssignor");
          default -> { }
        }
      }
      if (spec.has("instanceId")) properties.put("group.instance.id", spec.get("instanceId").asText());
      if (spec.has("metadataMaxAgeMs")) properties.put("metadata.max.age.ms", spec.get("metadataMaxAgeMs").asInt());
      return properties;
    }

    void subscribe() {
      if (!spec.has("pattern")) {
        List<String> topics = new ArrayList<>();
        for (JsonNode topic : spec.get("topics")) topics.add(topic.asText());
        consumer.subscribe(topics, this);
      } else if (spec.get("protocol").asText().equals("consumer")) {
        consumer.subscribe(new SubscriptionPattern(spec.get("pattern").asText()), this);
      } else {
        consumer.subscribe(Pattern.compile(spec.get("pattern").asText()), this);
      }
    }

    @Override
    public void run() {
      say("joining", JSON.createObjectNode());
      try {
        consumer = new KafkaConsumer<>(properties(), new StringDeserializer(), new StringDeserializer());
        subscribe();
        long committedAt = System.nanoTime();
        while (!stopping) {
          for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(100))) {
            ObjectNode fields = JSON.createObjectNode().put("topic", record.topic()).put("partition", record.partition());
            say("record", fields.put("offset", record.offset()).put("key", record.key()).put("value", record.value()));
            positions.put(new TopicPartition(record.topic(), record.partition()), record.offset() + 1);
          }
          steer();
          if (System.nanoTime() - committedAt > COMMIT_MS * 1_000_000) {
            committedAt = System.nanoTime();
            commit(owned, async);
          }
        }
        commit(owned, false);
      } catch (Exception error) {
        failed("error", error, true);
      }
      Set<TopicPartition> last = Set.copyOf(owned);
      owned.clear();
      if (!last.isEmpty()) places(stopping ? "revoked" : "lost", last);
      if (consumer != null) consumer.close(CloseOptions.timeout(Duration.ofSeconds(5)));
      say("closed", JSON.createObjectNode());
    }

    void steer() {
      for (JsonNode command = asked.poll(); command != null; command = asked.poll()) {
        Set<TopicPartition> chosen = new HashSet<>();
        for (JsonNode place : command.path("places")) {
          chosen.add(new TopicPartition(place.get(0).asText(), place.get(1).asInt()));
        }
        switch (command.get("op").asText()) {
          case "pause" -> consumer.pause(chosen);
          case "resume" -> consumer.resume(chosen);
          default -> {
            say("seeked", JSON.createObjectNode().set("offsets", command.get("offsets")));
            for (JsonNode offset : command.get("offsets")) {
              TopicPartition partition = new TopicPartition(offset.get(0).asText(), offset.get(1).asInt());
              consumer.seek(partition, offset.get(2).asLong());
              positions.remove(partition);
            }
          }
        }
      }
    }

    void failed(String event, Throwable error, boolean fatal) {
      ObjectNode fields = JSON.createObjectNode().put("code", code(error)).put("text", String.valueOf(error));
      if (event.equals("error")) fields.put("fatal", fatal);
      say(event, fields);
    }

    void commit(Collection<TopicPartition> chosen, boolean without) {
      Map<TopicPartition, OffsetAndMetadata> due = new HashMap<>();
      for (TopicPartition partition : chosen) {
        Long position = positions.remove(partition);
        if (position != null) due.put(partition, new OffsetAndMetadata(position));
      }
      if (due.isEmpty()) return;
      double sentAt = now();
      OffsetCommitCallback answered = (offsets, error) -> {
        if (error != null) {
          failed("commitFailed", error, false);
          return;
        }
        ObjectNode fields = JSON.createObjectNode().put("sentAt", sentAt);
        ArrayNode list = fields.putArray("offsets");
        due.forEach((partition, offset) ->
            list.addArray().add(partition.topic()).add(partition.partition()).add(offset.offset()));
        say("committed", fields);
      };
      if (without) {
        consumer.commitAsync(due, answered);
        return;
      }
      try {
        consumer.commitSync(due, PATIENCE);
        answered.onComplete(due, null);
      } catch (CommitFailedException | org.apache.kafka.common.errors.RetriableException error) {
        answered.onComplete(due, error);
      }
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
      owned.addAll(partitions);
      places("assigned", partitions);
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
      if (owned.isEmpty()) return;
      commit(partitions, false);
      owned.removeAll(partitions);
      places("revoked", partitions);
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> partitions) {
      if (owned.isEmpty()) return;
      for (TopicPartition partition : partitions) positions.remove(partition);
      owned.removeAll(partitions);
      places("lost", partitions);
    }
  }
}
