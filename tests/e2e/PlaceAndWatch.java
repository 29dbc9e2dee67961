import java.io.DataInputStream;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Places a bid and watches its item with a client that has the defaults of the JDK. */
class PlaceAndWatch {
    public static void main(String[] arguments) throws Exception {
        String service = arguments[0] + "/bids.v1.BidService/";
        String bid = arguments[1];
        String watch = arguments[2];
        HttpClient client = HttpClient.newHttpClient();

        HttpRequest place = HttpRequest.newBuilder(URI.create(service + "PlaceBid"))
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(bid))
            .build();
        var placed = client.send(place, BodyHandlers.ofString());
        System.out.println(placed.statusCode() + " " + placed.version() + " " + placed.body());

        byte[] message = watch.getBytes(StandardCharsets.UTF_8);
        byte[] framed = ByteBuffer.allocate(5 + message.length).put((byte) 0).putInt(message.length).put(message).array();
        HttpRequest watching = HttpRequest.newBuilder(URI.create(service + "WatchItems"))
            .header("Content-Type", "application/connect+json")
            .POST(BodyPublishers.ofByteArray(framed))
            .build();
        var watched = client.send(watching, BodyHandlers.ofInputStream());
        try (InputStream body = watched.body()) {
            DataInputStream data = new DataInputStream(body);
            int flags = data.readUnsignedByte();
            byte[] first = data.readNBytes(data.readInt());
            System.out.println(watched.statusCode() + " " + flags + " " + new String(first, StandardCharsets.UTF_8));
        }
        System.exit(0);
    }
}
