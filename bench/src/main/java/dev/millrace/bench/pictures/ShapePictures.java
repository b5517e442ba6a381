package dev.millrace.bench.pictures;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.Random;
import javax.imageio.ImageIO;

/** Draws pictures of one or two coloured shapes, each another, as PNG files. */
public final class ShapePictures {

    private static final List<Color> COLOURS =
            List.of(Color.RED, Color.GREEN, Color.BLUE, Color.YELLOW, Color.ORANGE, Color.PINK);

    private final Random random;
    private final ImageSize size;

    public ShapePictures(Random random, ImageSize size) {
        this.random = random;
        this.size = size;
    }

    public byte[] next() throws IOException {
        var picture = new BufferedImage(size.width(), size.height(), BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = picture.createGraphics();
        graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        graphics.setColor(new Color(200 + random.nextInt(56), 200 + random.nextInt(56), 200 + random.nextInt(56)));
        graphics.fillRect(0, 0, size.width(), size.height());
        int shapes = 1 + random.nextInt(2);
        for (int i = 0; i < shapes; i++) {
            draw(graphics, i * size.width() / shapes, size.width() / shapes);
        }
        graphics.dispose();
        var file = new ByteArrayOutputStream();
        ImageIO.write(picture, "png", file);
        return file.toByteArray();
    }

    private void draw(Graphics2D graphics, int left, int width) {
        int side = width / 3 + random.nextInt(Math.max(1, width / 3));
        int x = left + random.nextInt(Math.max(1, width - side));
        int y = random.nextInt(Math.max(1, size.height() - side));
        graphics.setColor(COLOURS.get(random.nextInt(COLOURS.size())));
        if (random.nextBoolean()) {
            graphics.fillOval(x, y, side, side);
        } else {
            graphics.fillRect(x, y, side, side);
        }
    }
}
