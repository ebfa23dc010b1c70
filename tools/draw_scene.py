"""Draws the table of examples/table as two cameras see it, by marching rays through a small scene.

    python tools/draw_scene.py [FOLDER]        needs NumPy and Pillow; takes a few minutes

Lengths are centimetres. The table top is z = 0, x points to the right and y away from the front
camera; the robot stands behind the table's middle and reaches towards that camera. Shapes are
signed distance functions. Everything is computed from this file alone: each run gives the same
pictures, but for the last bit where NumPy's own rounding differs.
"""

import pathlib
import sys

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 640, 480
SUBPIXELS = 3  # Rays per pixel along each axis.
LIGHT = np.array([-34.0, -26.0, 78.0], np.float32)
LIGHT_RADIUS = 9.0
TABLE = (-58.0, 58.0, -34.0, 58.0)  # x from, to; y from, to
FLOOR, WALL = -74.0, 150.0  # z of the floor, y of the wall

# --- Shapes: the distance of points [n, 3] to a surface, negative inside ------------------------


def norm(v):
    return np.sqrt(np.einsum("...i,...i->...", v, v))


def unit(v):
    v = np.asarray(v, np.float32)
    return v / norm(v)[..., None]


def frame(forward, side):
    """Rows: an orthonormal frame whose last axis is `forward`, its first as near to `side`."""
    z = unit(forward)
    x = unit(np.asarray(side, np.float32) - np.dot(side, z) * z)
    return np.stack([x, np.cross(z, x), z]).astype(np.float32)


def box(centre, half, rounding=0.15, axes=None):
    centre, half = np.array(centre, np.float32), np.array(half, np.float32) - np.float32(rounding)
    axes = np.eye(3, dtype=np.float32) if axes is None else axes

    def distance(p):
        q = np.abs((p - centre) @ axes.T) - half
        return norm(np.maximum(q, 0)) + np.minimum(q.max(axis=1), 0) - np.float32(rounding)

    return distance


def cylinder(centre, radius, half_height, rounding=0.15, axes=None):
    centre = np.array(centre, np.float32)
    axes = np.eye(3, dtype=np.float32) if axes is None else axes

    def distance(p):
        q = (p - centre) @ axes.T
        radial = norm(q[:, :2]) - np.float32(radius - rounding)
        axial = np.abs(q[:, 2]) - np.float32(half_height - rounding)
        outside = np.hypot(np.maximum(radial, 0), np.maximum(axial, 0))
        return outside + np.minimum(np.maximum(radial, axial), 0) - np.float32(rounding)

    return distance


def capsule(start, end, radius):
    start, along = np.array(start, np.float32), np.subtract(end, start).astype(np.float32)

    def distance(p):
        q = p - start
        share = np.clip(q @ along / np.dot(along, along), 0, 1)
        return norm(q - share[:, None] * along) - np.float32(radius)

    return distance


def bowl(centre, radius, rim, thickness):
    """A sphere's shell, open above `rim` over its centre."""
    centre = np.array(centre, np.float32)
    reach = np.float32(np.sqrt(radius**2 - rim**2))

    def distance(p):
        q = p - centre
        across, up = norm(q[:, :2]), q[:, 2]
        to_rim = np.hypot(across - reach, up - np.float32(rim))
        to_shell = np.abs(np.hypot(across, up) - np.float32(radius))
        return np.where(rim * across < reach * up, to_rim, to_shell) - np.float32(thickness)

    return distance


# --- The scene ----------------------------------------------------------------------------------

WRIST, TIP = np.array([-1.5, 17.0, 21.5]), np.array([-3.5, 7.0, 9.0])
ELBOW, SHOULDER = np.array([0.5, 32.0, 29.0]), np.array([2.0, 45.0, 13.0])
GRIP = frame(TIP - WRIST, (1, 0, 0))  # x: across the jaws, y: up and ahead, z: to the finger tips
CAMERA = WRIST + 0.5 * GRIP[2] + 6.4 * GRIP[1]  # The wrist camera, above the gripper's back.


def turned(degrees):
    angle = np.radians(degrees)
    return np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]], np.float32)


def on_grip(x, y, z):
    return WRIST + np.array([x, y, z]) @ GRIP


PRINTED, DARK, STEEL = (0.82, 0.27, 0.03), (0.035, 0.037, 0.042), (0.45, 0.46, 0.48)
RED, BLUE, GREEN, BLACK = (0.60, 0.016, 0.014), (0.03, 0.11, 0.48), (0.04, 0.40, 0.09), (0.02, 0.02, 0.022)


def parts(with_camera):
    """(distance, albedo, shininess) of everything that stands on the table."""
    reach = np.linalg.norm(TIP - WRIST)
    scene = [
        (box((-7.0, 0.5, 2.3), (2.3, 2.3, 2.3), 0.22, turned(24)), RED, 0.15),
        (bowl((10.0, 3.5, 6.5), 5.9, 0.6, 0.28), BLUE, 0.8),
        (cylinder((10.0, 3.5, 0.3), 2.7, 0.3, 0.1), BLUE, 0.6),
        (cylinder((-17.5, 15.5, 4.6), 2.4, 4.6, 0.2), GREEN, 0.45),
        # The arm: base, links and joints.
        (box((2.0, 46.0, 2.0), (6.5, 6.0, 2.0), 0.6), DARK, 0.3),
        (cylinder((2.0, 45.0, 7.5), 4.2, 4.5, 0.5), PRINTED, 0.3),
        (capsule(SHOULDER, ELBOW, 2.1), PRINTED, 0.3),
        (capsule(ELBOW, WRIST, 1.75), PRINTED, 0.3),
        (cylinder(SHOULDER, 3.0, 3.6, 0.4, frame((1, 0, 0), (0, 1, 0))), DARK, 0.4),
        (cylinder(ELBOW, 2.7, 3.2, 0.4, frame((1, 0, 0), (0, 1, 0))), DARK, 0.4),
        (cylinder(WRIST, 2.2, 2.8, 0.3, frame((1, 0, 0), (0, 1, 0))), DARK, 0.4),
        # The gripper: palm, motor, two fingers with dark pads.
        (box(on_grip(0, 0, 5.0), (3.5, 1.7, 2.4), 0.4, GRIP), PRINTED, 0.3),
        (box(on_grip(0, 1.9, 3.6), (1.5, 1.0, 1.9), 0.2, GRIP), DARK, 0.4),
    ]
    for side in (-1, 1):
        lean = frame((-0.10 * side, 0, 1) @ GRIP, GRIP[0])
        middle = on_grip(2.6 * side, 0, (6.5 + reach) / 2)
        scene.append((box(middle, (0.55, 1.3, (reach - 6) / 2), 0.25, lean), PRINTED, 0.3))
        pad = on_grip(1.62 * side, 0, reach - 1.5)
        scene.append((box(pad, (0.22, 0.95, 1.7), 0.12, lean), BLACK, 0.15))
    if with_camera:
        view = frame(camera_target() - CAMERA, (1, 0, 0))
        scene.append((box(CAMERA - 1.2 * view[2], (1.7, 1.2, 0.9), 0.25, view), BLACK, 0.5))
        scene.append((cylinder(CAMERA - 0.2 * view[2], 0.75, 0.5, 0.1, view), STEEL, 0.8))
        scene.append((capsule(CAMERA - 1.2 * view[2], on_grip(0, 1, 1.5), 0.5), DARK, 0.3))
    return scene


def camera_target():
    return np.array([-3.6, 2.5, 0.0])


def nearest(scene, p):
    result = scene[0][0](p)
    for distance, _, _ in scene[1:]:
        result = np.minimum(result, distance(p))
    return result


# --- Textures -----------------------------------------------------------------------------------


def lattice(x, y, seed):
    """A repeatable number in 0..1 for every pair of integers."""
    n = (x.astype(np.int64) * 374761393 + y.astype(np.int64) * 668265263 + seed * 974634777) & 0xFFFFFFFF
    n = ((n ^ (n >> 13)) * 1274126177) & 0xFFFFFFFF
    n = ((n ^ (n >> 16)) * 2246822519) & 0xFFFFFFFF
    return ((n ^ (n >> 15)) & 0xFFFF).astype(np.float32) / 65535


def noise(x, y, seed):
    """Smooth value noise in 0..1."""
    x0, y0 = np.floor(x), np.floor(y)
    u, v = x - x0, y - y0
    u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
    low = lattice(x0, y0, seed) * (1 - u) + lattice(x0 + 1, y0, seed) * u
    high = lattice(x0, y0 + 1, seed) * (1 - u) + lattice(x0 + 1, y0 + 1, seed) * u
    return low * (1 - v) + high * v


def wood(x, y):
    """The table's albedo: boards along x, each cut from another place of a tree."""
    board_width = 13.0
    board = np.floor(y / board_width)
    across = y - board * board_width
    shift = lattice(board, board * 0, 5) * 400
    along = x + shift
    # Rings stretched along the board, bent by slow noise; fine fibres and pores upon them.
    bend = 5.0 * noise(along / 34, across / 9 + board * 7, 1) + 1.2 * noise(along / 9, across / 2.2, 2)
    ring = (across * 0.55 + bend * 2.0) % 1.0
    ring = np.where(ring < 0.8, ring / 0.8, (1 - ring) / 0.2)
    fibre = noise(along / 5.0, y * 5.5, 3)
    shade = 0.80 + 0.20 * ring * (0.5 + 0.5 * noise(along / 30, across / 6, 4)) + 0.10 * (fibre - 0.5)
    shade *= 0.90 + 0.2 * lattice(board, board * 0 + 9, 6)
    gap = np.minimum(across, board_width - across)
    shade *= 0.55 + 0.45 * np.clip(gap / 0.14, 0, 1)
    light, dark = np.array([0.42, 0.235, 0.105]), np.array([0.19, 0.085, 0.032])
    mix = np.clip((shade - 0.55) / 0.5, 0, 1)[:, None]
    return (dark + (light - dark) * mix).astype(np.float32)


# --- Rays ---------------------------------------------------------------------------------------


def march(scene, origin, direction, limit, steps=110):
    """The distance along each ray to the first part, or infinity if that is beyond `limit`."""
    t = np.full(len(direction), 0.02, np.float32)
    hit = np.full(len(direction), np.inf, np.float32)
    alive = np.arange(len(direction))
    for _ in range(steps):
        d = nearest(scene, origin[alive] + t[alive, None] * direction[alive])
        touched = d < 0.004
        hit[alive[touched]] = t[alive[touched]]
        t[alive] += d
        alive = alive[~touched & (t[alive] < limit[alive])]
        if alive.size == 0:
            break
    return hit


def lit_share(scene, points, normals, steps=70):
    """How much of the round light each point sees: 1 in the open, 0 in the full shadow."""
    towards = LIGHT - points
    length = norm(towards)
    direction = towards / length[:, None]
    start = points + 0.05 * normals
    share = np.ones(len(points), np.float32)
    t = np.full(len(points), 0.06, np.float32)
    alive = np.arange(len(points))
    for _ in range(steps):
        d = nearest(scene, start[alive] + t[alive, None] * direction[alive])
        # Seen from the point, a light of this radius has the width it would have at distance t.
        width = np.maximum(LIGHT_RADIUS * t[alive] / length[alive], 1e-3)
        share[alive] = np.minimum(share[alive], 0.5 + 0.5 * np.clip(d / width, -1, 1))
        t[alive] += np.clip(0.8 * np.abs(d), 0.08, 4.0)
        alive = alive[(share[alive] > 0.003) & (t[alive] < np.minimum(length[alive], 70))]
        if alive.size == 0:
            break
    return share * share * (3 - 2 * share)


def openness(scene, points, normals):
    """How free the room before each point is: 1 in the open, less in corners."""
    closed = np.zeros(len(points), np.float32)
    weight = 0.55
    for reach in (0.35, 0.9, 2.0, 4.0):
        p = points + reach * normals
        free = np.minimum(nearest(scene, p), np.where(p[:, 2] > -1, p[:, 2], reach))
        closed += weight * np.clip((reach - free) / reach, 0, 1)
        weight *= 0.62
    return np.clip(1 - 0.75 * closed, 0.12, 1)


def shade(scene, points, normals, view, albedo, shine):
    towards = unit(LIGHT - points)
    facing = np.clip(np.einsum("ij,ij->i", normals, towards), 0, 1)
    key = facing * lit_share(scene, points, normals) * 2.1
    free = openness(scene, points, normals)
    sky = free * (0.36 + 0.20 * normals[:, 2])
    bounce = free * np.clip(0.5 - 0.5 * normals[:, 2], 0, 1) * np.exp(-np.maximum(points[:, 2], 0) / 12) * 0.35
    light = (
        key[:, None] * np.array([1.0, 0.95, 0.86], np.float32)
        + sky[:, None] * np.array([0.86, 0.94, 1.06], np.float32)
        + bounce[:, None] * np.array([0.62, 0.40, 0.22], np.float32)
    )
    half = unit(towards - view)
    gloss = np.clip(np.einsum("ij,ij->i", normals, half), 0, 1) ** (20 + 90 * shine)
    rim = (1 - np.clip(-np.einsum("ij,ij->i", normals, view), 0, 1)) ** 4
    extra = shine * (0.75 * gloss * (key > 0.02) * np.clip(key, 0, 1) + 0.16 * rim * free)
    return albedo * light + extra[:, None]


def normals_at(scene, points):
    corners = np.array([[1, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, 1, 1]], np.float32)
    return unit(sum(c * nearest(scene, points + 0.01 * c)[:, None] for c in corners))


def see_parts(scene, points, view):
    normals = normals_at(scene, points)
    which = np.argmin(np.stack([distance(points) for distance, _, _ in scene]), axis=0)
    albedo = np.array([colour for _, colour, _ in scene], np.float32)[which]
    shine = np.array([s for _, _, s in scene], np.float32)[which]
    return shade(scene, points, normals, view, albedo, shine)


def see_table(scene, points, view):
    normals = np.broadcast_to(np.array([0, 0, 1], np.float32), points.shape)
    albedo = wood(points[:, 0], points[:, 1])
    return shade(scene, points, normals, view, albedo, np.full(len(points), 0.12, np.float32))


def see_room(origin, direction):
    """A plain floor and wall, dim and without detail."""
    with np.errstate(divide="ignore", invalid="ignore"):
        down = np.where(direction[:, 2] < 0, (FLOOR - origin[:, 2]) / direction[:, 2], np.inf)
        ahead = np.where(direction[:, 1] > 0, (WALL - origin[:, 1]) / direction[:, 1], np.inf)
        point = origin + np.minimum(down, ahead)[:, None] * direction
    fade = np.exp(-(norm(point - np.array([0, 60, FLOOR], np.float32)) / 190) ** 2)
    floor = np.array([0.30, 0.30, 0.32]) * (0.35 + 0.5 * fade)[:, None]
    wall = np.array([0.50, 0.49, 0.46]) * (0.45 + 0.5 * fade)[:, None]
    return np.where((down < ahead)[:, None], floor, wall)


def trace(scene, origin, direction):
    """The light that comes back along each ray."""
    with np.errstate(divide="ignore"):
        t = np.where(direction[:, 2] < 0, -origin[:, 2] / direction[:, 2], np.inf)
    at = origin + np.where(np.isfinite(t), t, 0)[:, None] * direction
    on_table = np.isfinite(t) & (at[:, 0] > TABLE[0]) & (at[:, 0] < TABLE[1]) & (at[:, 1] > TABLE[2]) & (at[:, 1] < TABLE[3])
    limit = np.where(on_table, t, 160).astype(np.float32)
    hit = march(scene, origin, direction, limit)
    on_part = np.isfinite(hit)
    on_table &= ~on_part
    colour = see_room(origin, direction).astype(np.float32)
    points = origin + np.where(on_part, hit, 0)[:, None] * direction
    colour[on_part] = see_parts(scene, points[on_part], direction[on_part])
    colour[on_table] = see_table(scene, at[on_table].astype(np.float32), direction[on_table])
    return colour


def draw(scene, eye, target, up, view_angle):
    """A picture; `view_angle` in degrees from its left to its right edge."""
    eye = np.array(eye, np.float32)
    ahead = unit(np.subtract(target, eye))
    right = unit(np.cross(ahead, up))
    above = np.cross(right, ahead)
    scale = np.tan(np.radians(view_angle) / 2) / (WIDTH / 2)
    y, x = (v.reshape(-1) for v in np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32))

    def look(pixels, along, down):
        """Those pixels' colours, through the point that lies so far into each of them."""
        u = (x[pixels] + along - WIDTH / 2) * scale
        v = (HEIGHT / 2 - y[pixels] - down) * scale
        rays = unit(ahead + u[:, None] * right + v[:, None] * above).astype(np.float32)
        return develop(trace(scene, np.broadcast_to(eye, rays.shape), rays))

    picture = look(np.arange(len(x)), 0.5, 0.5)
    # More rays where neighbours differ: there lie the edges.
    rough = np.flatnonzero(contrast(picture.reshape(HEIGHT, WIDTH, 3)) > 0.035)
    total = np.zeros((len(rough), 3), np.float32)
    places = (np.arange(SUBPIXELS) + 0.5) / SUBPIXELS
    for along in places:
        for down in places:
            total += look(rough, along, down)
    picture[rough] = total / SUBPIXELS**2
    picture = picture.reshape(HEIGHT, WIDTH, 3)
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    picture *= (1 - 0.10 * (x * x + y * y))[..., None]  # A lens is darker towards its edge.
    return np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)


def contrast(picture):
    """For each pixel, how much the pixels around it differ."""
    around = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="edge")
    shifted = [around[j : j + HEIGHT, i : i + WIDTH] for j in range(3) for i in range(3)]
    return np.max(np.max(shifted, axis=0) - np.min(shifted, axis=0), axis=2).reshape(-1)


def develop(light):
    """Linear light to display values: highlights roll off, then the sRGB curve's power."""
    light = np.maximum(light, 0) * 0.95
    rolled = light * (1 + light * 0.16) / (1 + light * 0.62)
    return np.clip(rolled, 0, 1) ** (1 / 2.2)


def save(pixels, path):
    Image.fromarray(pixels).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size} bytes")


def main():
    default = pathlib.Path(__file__).resolve().parents[1] / "examples" / "table"
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    front = draw(parts(True), (5, -42, 41), (-1, 13.5, 4.0), (0, 0, 1), 58)
    save(front, folder / "camera1.png")
    wrist = draw(parts(False), CAMERA, camera_target(), GRIP[1], 80)
    save(wrist, folder / "camera2.png")


if __name__ == "__main__":
    main()
