// What kafka-consumer-perf-test measures, with its settings, but with partitions assigned by hand: the tool subscribes
// through a group and so measures the joining of it too. Prints `records milliseconds bytes` from the first poll to the
// last record.
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

public class AssignedConsumerPerformance {
  public static void main(String[] args) {
    String topic = args[1];
    long wanted = Long.parseLong(args[2]);
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
        Map.of("bootstrap.servers", args[0], "receive.buffer.bytes", 2 * 1024 * 1024, "check.crcs", false,
            "max.partition.fetch.bytes", 1024 * 1024, "enable.auto.commit", false),
        new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
          .map(info -> new TopicPartition(topic, info.partition())).toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      long start = System.currentTimeMillis();
      long last = start;
      long records = 0;
      long bytes = 0;
      while (records < wanted && System.currentTimeMillis() - last < 10_000) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
          records += 1;
          bytes += record.value().length;
          last = System.currentTimeMillis();
        }
      }
      System.out.println(records + " " + (System.currentTimeMillis() - start) + " " + bytes);
    }
  }
}
