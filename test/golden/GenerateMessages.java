// Writes golden messages: for each API and version on the command line (key:min-max …), a request and a response in three
// variants, as Kafka's own generated classes serialize them, one JSON object a line. The values come from Kafka's message
// definitions inside kafka-clients: `filled` sets every field, `nulls` sets every nullable field to null and leaves tagged
// fields out, `edges` has empty strings and arrays, negative numbers and the largest exact integers. Before the messages
// come, per message, the explicit defaults of Kafka's definitions.
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.MessageUtil;

public class GenerateMessages {
    static final JsonMapper MAPPER = JsonMapper.builder().enable(JsonReadFeature.ALLOW_JAVA_COMMENTS).build();
    static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    /** The structs that the fields of the present message may name as their type. */
    static final Map<String, JsonNode> commonStructs = new HashMap<>();
    static int counter = 0;

    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        for (String arg : args) {
            String[] parts = arg.split("[:-]");
            ApiKeys api = ApiKeys.forId(Integer.parseInt(parts[0]));
            int min = Integer.parseInt(parts[1]);
            int max = Integer.parseInt(parts[2]);
            for (String type : new String[] {"request", "response"}) {
                String name = toClassName(api) + (type.equals("request") ? "Request" : "Response");
                JsonNode definition = definition(name);
                commonStructs.clear();
                for (JsonNode common : definition.path("commonStructs")) {
                    commonStructs.put(text(common, "name"), common.get("fields"));
                }
                ObjectNode defaults = JSON.objectNode();
                collectDefaults(definition.get("fields"), "", defaults);
                ObjectNode head = JSON.objectNode();
                head.put("key", (int) api.id).put("type", type).set("defaults", defaults);
                out.println(head);
                for (int version = min; version <= max; version++) {
                    for (String variant : new String[] {"filled", "nulls", "edges"}) {
                        out.println(golden(api, type, name, definition, (short) version, variant));
                    }
                }
            }
        }
        out.flush();
    }

    static String toClassName(ApiKeys api) {
        // messageType's JSON definition is named after the generated class: ProduceRequestData -> ProduceRequest.
        return api.messageType.newRequest().getClass().getSimpleName().replaceAll("RequestData$", "");
    }

    static JsonNode definition(String name) throws Exception {
        try (InputStream in = GenerateMessages.class.getResourceAsStream("/common/message/" + name + ".json")) {
            return MAPPER.readTree(in);
        }
    }

    static ObjectNode golden(ApiKeys api, String type, String name, JsonNode definition, short version, String variant)
            throws Exception {
        counter = 0;
        ObjectNode value = struct(definition.get("fields"), version, variant);
        Class<?> converter = Class.forName("org.apache.kafka.common.message." + name + "DataJsonConverter");
        ApiMessage message = (ApiMessage) converter.getMethod("read", JsonNode.class, short.class).invoke(null, value, version);
        ApiMessage header;
        short headerVersion;
        if (type.equals("request")) {
            headerVersion = api.requestHeaderVersion(version);
            header = new RequestHeaderData()
                .setRequestApiKey(api.id)
                .setRequestApiVersion(version)
                .setCorrelationId(1000 + version)
                .setClientId(variant.equals("nulls") ? null : variant.equals("edges") ? "" : "client-" + version);
        } else {
            headerVersion = api.responseHeaderVersion(version);
            header = new ResponseHeaderData().setCorrelationId(1000 + version);
        }
        ObjectNode node = JSON.objectNode();
        node.put("key", (int) api.id).put("type", type).put("version", (int) version).put("variant", variant);
        node.put("header", hex(MessageUtil.toByteBufferAccessor(header, headerVersion).buffer()));
        node.put("body", hex(MessageUtil.toByteBufferAccessor(message, version).buffer()));
        node.set("value", value);
        return node;
    }

    static String hex(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    static boolean includes(String versions, int version) {
        if (versions == null || versions.equals("none")) return false;
        if (versions.endsWith("+")) return version >= Integer.parseInt(versions.substring(0, versions.length() - 1));
        String[] ends = versions.split("-");
        return version >= Integer.parseInt(ends[0]) && version <= Integer.parseInt(ends[ends.length - 1]);
    }

    static String text(JsonNode node, String name) {
        return node.has(name) ? node.get(name).asText() : null;
    }

    static String camel(String name) {
        return Character.toLowerCase(name.charAt(0)) + name.substring(1);
    }

    static ObjectNode struct(JsonNode fields, int version, String variant) {
        ObjectNode node = JSON.objectNode();
        for (JsonNode field : fields) {
            if (!includes(text(field, "versions"), version)) continue;
            boolean tagged = includes(text(field, "taggedVersions"), version);
            if (tagged && variant.equals("nulls")) continue;
            boolean nullable = includes(text(field, "nullableVersions"), version);
            String name = camel(text(field, "name"));
            node.set(name, nullable && variant.equals("nulls") ? JSON.nullNode() : value(field, text(field, "type"), version, variant));
        }
        return node;
    }

    static JsonNode value(JsonNode field, String type, int version, String variant) {
        int n = ++counter;
        boolean edges = variant.equals("edges");
        if (type.startsWith("[]")) {
            ArrayNode array = JSON.arrayNode();
            // The outer arrays of `edges` have one element, so that the fields inside are seen too.
            int length = edges ? (fieldsOf(field) != null ? 1 : 0) : variant.equals("nulls") ? 1 : 2;
            for (int i = 0; i < length; i++) array.add(value(field, type.substring(2), version, variant));
            return array;
        }
        switch (type) {
            case "bool": return JSON.booleanNode(!variant.equals("nulls"));
            case "int8": return JSON.numberNode(edges ? -128 : n % 128);
            case "int16": return JSON.numberNode(edges ? -32768 : 300 + n);
            case "uint16": return JSON.numberNode(edges ? 65535 : 40_000 + n);
            case "int32": return JSON.numberNode(edges ? -2147483648 : 70_000 + n);
            case "int64": return JSON.numberNode(edges ? (n % 2 == 0 ? 1 : -1) * 9007199254740991L : 5_000_000_000L + n);
            case "uuid": return JSON.textNode(new Uuid(edges ? -1 : 0x0123456789abcdefL + n, edges ? -1 : n).toString());
            case "string": return JSON.textNode(edges ? "" : n % 7 == 0 ? "a longer string of more than one hundred and twenty-seven bytes, "
                + "so that its compact length takes two bytes on the wire: \u00fc\u20ac " + n : "text-" + n);
            case "bytes":
            case "records":
                byte[] bytes = new byte[edges ? 0 : n % 2 == 0 ? 150 : 20];
                for (int i = 0; i < bytes.length; i++) bytes[i] = (byte) (n + i * 31);
                return JSON.textNode(Base64.getEncoder().encodeToString(bytes));
            default: return struct(fieldsOf(field), version, variant);
        }
    }

    /** The fields of a struct, or of the structs in an array: its own or those of a common struct; null for anything else. */
    static JsonNode fieldsOf(JsonNode field) {
        return field.has("fields") ? field.get("fields") : commonStructs.get(text(field, "type").replace("[]", ""));
    }

    static void collectDefaults(JsonNode fields, String prefix, ObjectNode defaults) {
        for (JsonNode field : fields) {
            String path = prefix + camel(text(field, "name"));
            if (field.has("default")) defaults.put(path, text(field, "default"));
            if (fieldsOf(field) != null) collectDefaults(fieldsOf(field), path + ".", defaults);
        }
    }
}
