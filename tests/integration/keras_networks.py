"""Small Keras networks: some as people bring them, others that cannot be used."""

import keras
from keras import layers

SIZE = 40


def network(*outputs: str, shape: tuple[int | None, int | None, int] = (SIZE, SIZE, 3)) -> keras.Model:
    """Convolutions with batch norm, and a vector for each name; without a name the last feature map."""
    keras.utils.set_random_seed(7)
    pixels = keras.Input(shape, name="pixels")
    x = layers.Conv2D(8, 3, strides=2, activation="relu")(pixels)
    x = layers.BatchNormalization()(x)
    grid = layers.SeparableConv2D(12, 3, padding="same", activation="swish")(x)
    vectors = {name: layers.Dense(16, name=name)(layers.GlobalAveragePooling2D()(grid)) for name in outputs}
    return keras.Model(pixels, vectors if len(vectors) > 1 else vectors.popitem()[1] if vectors else grid)


def of_numbers() -> keras.Model:
    numbers = keras.Input((8,), name="numbers")
    return keras.Model(numbers, layers.Dense(4)(numbers))


def of_two_pictures() -> keras.Model:
    one, other = keras.Input((SIZE, SIZE, 3), name="one"), keras.Input((SIZE, SIZE, 3), name="other")
    return keras.Model([one, other], layers.GlobalAveragePooling2D()(layers.Add()([one, other])))


def of_a_picture_and_numbers() -> keras.Model:
    picture, numbers = keras.Input((SIZE, SIZE, 3), name="picture"), keras.Input((3,), name="numbers")
    return keras.Model([picture, numbers], layers.Add()([layers.GlobalAveragePooling2D()(picture), numbers]))


def of_grey_pictures() -> keras.Model:
    pixels = keras.Input((SIZE, SIZE, 1))
    return keras.Model(pixels, layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(pixels)))


def flattened(edge: int, units: int) -> keras.Model:
    pixels = keras.Input((edge, edge, 3))
    return keras.Model(pixels, layers.Dense(units)(layers.Flatten()(layers.AveragePooling2D(4)(pixels))))
