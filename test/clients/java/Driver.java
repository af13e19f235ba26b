// The driver of the Java client: one long-lived JVM that holds its producers, an assigned consumer and an AdminClient, and
// does what the commands of protocol.ts say.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.AppInfoParser;

public class Driver {
  static final ObjectMapper JSON = new ObjectMapper();
  static final Map<String, Producer<byte[], byte[]>> producers = new HashMap<>();
  static String bootstrap;
  static Admin admin;

  public static void main(String[] args) throws Exception {
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      ObjectNode reply = JSON.createObjectNode();
      try {
        JsonNode command = JSON.readTree(line);
        answer(command, reply);
        reply.put("ok", true);
      } catch (Throwable error) {
        Throwable cause = error instanceof ExecutionException ? error.getCause() : error;
        reply.removeAll();
        reply.put("ok", false).put("code", Errors.forException(cause).code()).put("error", String.valueOf(cause));
      }
      out.println(JSON.writeValueAsString(reply));
      out.flush();
    }
    for (Producer<byte[], byte[]> producer : producers.values()) producer.close(Duration.ofSeconds(1));
    if (admin != null) admin.close(Duration.ofSeconds(1));
    System.exit(0);
  }

  static void answer(JsonNode command, ObjectNode reply) throws Exception {
    switch (command.get("op").asText()) {
      case "hello" -> hello(command, reply);
      case "produce" -> produce(command, reply);
      case "consume" -> consume(command, reply);
      case "listOffsets" -> listOffsets(command, reply);
      case "describeTopic" -> describeTopic(command, reply);
      default -> administer(command, reply);
    }
  }

  static void hello(JsonNode command, ObjectNode reply) {
    bootstrap = command.get("bootstrap").asText();
    admin = Admin.create(Map.of("bootstrap.servers", bootstrap));
    ObjectNode can = reply.putObject("can");
    can.put("name", "java " + AppInfoParser.getVersion());
    for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) can.withArray("codecs").add(codec);
    for (String name : List.of("writes", "reads", "idempotent", "setsTimestamps", "nullValues", "nullHeaders")) {
      can.put(name, true);
    }
    for (String op : List.of("createTopic", "deleteTopic", "createPartitions", "describeTopic", "listTopics",
        "describeCluster", "describeConfigs", "incrementalAlterConfigs", "listOffsets")) {
      can.withArray("admin").add(op);
    }
  }

  static byte[] bytes(JsonNode node) {
    return node.isNull() ? null : Base64.getDecoder().decode(node.asText());
  }

  static String text(byte[] bytes) {
    return bytes == null ? null : Base64.getEncoder().encodeToString(bytes);
  }

  static void produce(JsonNode command, ObjectNode reply) throws Exception {
    String codec = command.get("codec").asText();
    String acks = command.get("acks").asText();
    boolean idempotent = command.get("idempotent").asBoolean();
    Producer<byte[], byte[]> producer = producers.computeIfAbsent(codec + acks + idempotent, key -> new KafkaProducer<>(
        Map.of("bootstrap.servers", bootstrap, "acks", acks, "compression.type", codec,
            "enable.idempotence", idempotent, "linger.ms", 20),
        new ByteArraySerializer(), new ByteArraySerializer()));
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    for (JsonNode node : command.get("records")) {
      ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(command.get("topic").asText(),
          node.get("partition").isNull() ? null : node.get("partition").asInt(),
          node.get("timestamp").isNull() ? null : node.get("timestamp").asLong(),
          bytes(node.get("key")), bytes(node.get("value")));
      for (JsonNode header : node.get("headers")) record.headers().add(header.get(0).asText(), bytes(header.get(1)));
      sent.add(producer.send(record));
    }
    producer.flush();
    ArrayNode offsets = reply.putArray("offsets");
    for (Future<RecordMetadata> future : sent) offsets.add(future.get().hasOffset() ? future.get().offset() : -1);
  }

  static void consume(JsonNode command, ObjectNode reply) {
    String topic = command.get("topic").asText();
    Map<TopicPartition, Long> wanted = new HashMap<>();
    command.get("counts").fields().forEachRemaining(
        field -> wanted.put(new TopicPartition(topic, Integer.parseInt(field.getKey())), field.getValue().asLong()));
    ArrayNode records = reply.putArray("records");
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
        Map.of("bootstrap.servers", bootstrap, "enable.auto.commit", false),
        new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      consumer.assign(wanted.keySet());
      consumer.seekToBeginning(wanted.keySet());
      Map<TopicPartition, Long> seen = new HashMap<>();
      long deadline = System.currentTimeMillis() + 10_000;
      while (System.currentTimeMillis() < deadline
          && wanted.entrySet().stream().anyMatch(e -> seen.getOrDefault(e.getKey(), 0L) < e.getValue())) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
          seen.merge(new TopicPartition(record.topic(), record.partition()), 1L, Long::sum);
          ObjectNode node = records.addObject();
          node.put("partition", record.partition()).put("offset", record.offset()).put("timestamp", record.timestamp());
          node.put("key", text(record.key())).put("value", text(record.value()));
          ArrayNode headers = node.putArray("headers");
          for (Header header : record.headers()) headers.addArray().add(header.key()).add(text(header.value()));
        }
      }
    }
  }

  static void listOffsets(JsonNode command, ObjectNode reply) throws Exception {
    TopicPartition partition = new TopicPartition(command.get("topic").asText(), command.get("partition").asInt());
    OffsetSpec spec = switch (command.get("at").asText()) {
      case "earliest" -> OffsetSpec.earliest();
      case "latest" -> OffsetSpec.latest();
      case "max" -> OffsetSpec.maxTimestamp();
      default -> OffsetSpec.forTimestamp(command.get("at").asLong());
    };
    reply.put("offset", admin.listOffsets(Map.of(partition, spec)).partitionResult(partition).get().offset());
  }

  static void describeTopic(JsonNode command, ObjectNode reply) throws Exception {
    String topic = command.get("topic").asText();
    TopicDescription described = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
    reply.put("id", described.topicId().toString());
    ArrayNode partitions = reply.putArray("partitions");
    described.partitions().forEach(info -> {
      ObjectNode node = partitions.addObject();
      node.put("partition", info.partition()).put("leader", info.leader() == null ? -1 : info.leader().id());
      ArrayNode replicas = node.putArray("replicas");
      info.replicas().forEach(replica -> replicas.add(replica.id()));
      ArrayNode isr = node.putArray("isr");
      info.isr().forEach(replica -> isr.add(replica.id()));
    });
  }

  static void administer(JsonNode command, ObjectNode reply) throws Exception {
    String topic = command.path("topic").asText();
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    Map<String, String> configs = new HashMap<>();
    command.path("configs").fields().forEachRemaining(field -> configs.put(field.getKey(), field.getValue().asText()));
    switch (command.get("op").asText()) {
      case "createTopic" -> admin.createTopics(List.of(new NewTopic(topic, command.get("partitions").asInt(),
          (short) command.get("replicationFactor").asInt()).configs(configs))).all().get();
      case "deleteTopic" -> admin.deleteTopics(List.of(topic)).all().get();
      case "createPartitions" ->
          admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(command.get("total").asInt()))).all().get();
      case "listTopics" -> admin.listTopics().names().get().forEach(name -> reply.withArray("topics").add(name));
      case "describeCluster" -> {
        DescribeClusterResult cluster = admin.describeCluster();
        reply.put("clusterId", cluster.clusterId().get()).put("controller", cluster.controller().get().id());
        cluster.nodes().get().forEach(node -> reply.withArray("nodes").add(node.id()));
      }
      case "describeConfigs" -> {
        ObjectNode described = reply.putObject("configs");
        admin.describeConfigs(List.of(resource)).all().get().get(resource).entries()
            .forEach(entry -> described.put(entry.name(), entry.value()));
      }
      case "incrementalAlterConfigs" -> admin.incrementalAlterConfigs(Map.of(resource, configs.entrySet().stream()
          .map(e -> new AlterConfigOp(new ConfigEntry(e.getKey(), e.getValue()), AlterConfigOp.OpType.SET)).toList()))
          .all().get();
      default -> throw new IllegalArgumentException("unknown op");
    }
  }
}
