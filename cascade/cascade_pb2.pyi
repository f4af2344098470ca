from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CascadeParameter(_message.Message):
    __slots__ = ("name", "point", "layout", "stage", "notice", "file")
    NAME_FIELD_NUMBER: _ClassVar[int]
    POINT_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    NOTICE_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    name: str
    point: _containers.RepeatedCompositeFieldContainer[PointParameter]
    layout: str
    stage: _containers.RepeatedCompositeFieldContainer[StageParameter]
    notice: str
    file: _containers.RepeatedCompositeFieldContainer[FileParameter]
    def __init__(self, name: _Optional[str] = ..., point: _Optional[_Iterable[_Union[PointParameter, _Mapping]]] = ..., layout: _Optional[str] = ..., stage: _Optional[_Iterable[_Union[StageParameter, _Mapping]]] = ..., notice: _Optional[str] = ..., file: _Optional[_Iterable[_Union[FileParameter, _Mapping]]] = ...) -> None: ...

class FileParameter(_message.Message):
    __slots__ = ("path", "sha256")
    PATH_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    path: str
    sha256: str
    def __init__(self, path: _Optional[str] = ..., sha256: _Optional[str] = ...) -> None: ...

class LayoutParameter(_message.Message):
    __slots__ = ("name", "point", "distance", "conversion")
    NAME_FIELD_NUMBER: _ClassVar[int]
    POINT_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    CONVERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    point: _containers.RepeatedCompositeFieldContainer[PointParameter]
    distance: _containers.RepeatedCompositeFieldContainer[DistanceParameter]
    conversion: _containers.RepeatedCompositeFieldContainer[ConversionParameter]
    def __init__(self, name: _Optional[str] = ..., point: _Optional[_Iterable[_Union[PointParameter, _Mapping]]] = ..., distance: _Optional[_Iterable[_Union[DistanceParameter, _Mapping]]] = ..., conversion: _Optional[_Iterable[_Union[ConversionParameter, _Mapping]]] = ...) -> None: ...

class PointParameter(_message.Message):
    __slots__ = ("name", "flip", "group")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FLIP_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    name: str
    flip: str
    group: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., flip: _Optional[str] = ..., group: _Optional[_Iterable[str]] = ...) -> None: ...

class DistanceParameter(_message.Message):
    __slots__ = ("name", "a", "b")
    NAME_FIELD_NUMBER: _ClassVar[int]
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    name: str
    a: str
    b: str
    def __init__(self, name: _Optional[str] = ..., a: _Optional[str] = ..., b: _Optional[str] = ...) -> None: ...

class ConversionParameter(_message.Message):
    __slots__ = ("to", "point")
    TO_FIELD_NUMBER: _ClassVar[int]
    POINT_FIELD_NUMBER: _ClassVar[int]
    to: str
    point: _containers.RepeatedCompositeFieldContainer[MeanParameter]
    def __init__(self, to: _Optional[str] = ..., point: _Optional[_Iterable[_Union[MeanParameter, _Mapping]]] = ...) -> None: ...

class MeanParameter(_message.Message):
    __slots__ = ("of", "weight")
    OF_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    of: _containers.RepeatedScalarFieldContainer[str]
    weight: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, of: _Optional[_Iterable[str]] = ..., weight: _Optional[_Iterable[float]] = ...) -> None: ...

class StageParameter(_message.Message):
    __slots__ = ("name", "net", "weights", "preprocess", "window", "flip_average", "onnx", "view", "answer", "keep")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NET_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    PREPROCESS_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    FLIP_AVERAGE_FIELD_NUMBER: _ClassVar[int]
    ONNX_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    name: str
    net: str
    weights: str
    preprocess: PreprocessParameter
    window: WindowParameter
    flip_average: bool
    onnx: str
    view: _containers.RepeatedCompositeFieldContainer[ViewParameter]
    answer: _containers.RepeatedCompositeFieldContainer[AnswerParameter]
    keep: KeepParameter
    def __init__(self, name: _Optional[str] = ..., net: _Optional[str] = ..., weights: _Optional[str] = ..., preprocess: _Optional[_Union[PreprocessParameter, _Mapping]] = ..., window: _Optional[_Union[WindowParameter, _Mapping]] = ..., flip_average: _Optional[bool] = ..., onnx: _Optional[str] = ..., view: _Optional[_Iterable[_Union[ViewParameter, _Mapping]]] = ..., answer: _Optional[_Iterable[_Union[AnswerParameter, _Mapping]]] = ..., keep: _Optional[_Union[KeepParameter, _Mapping]] = ...) -> None: ...

class KeepParameter(_message.Message):
    __slots__ = ("score", "overlap", "overlap_all", "by", "of", "most")
    class Overlap(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        UNION: _ClassVar[KeepParameter.Overlap]
        MINIMUM: _ClassVar[KeepParameter.Overlap]
    UNION: KeepParameter.Overlap
    MINIMUM: KeepParameter.Overlap
    class Compared(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        BOXES: _ClassVar[KeepParameter.Compared]
        WINDOWS: _ClassVar[KeepParameter.Compared]
    BOXES: KeepParameter.Compared
    WINDOWS: KeepParameter.Compared
    SCORE_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_ALL_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    OF_FIELD_NUMBER: _ClassVar[int]
    MOST_FIELD_NUMBER: _ClassVar[int]
    score: float
    overlap: float
    overlap_all: float
    by: KeepParameter.Overlap
    of: KeepParameter.Compared
    most: int
    def __init__(self, score: _Optional[float] = ..., overlap: _Optional[float] = ..., overlap_all: _Optional[float] = ..., by: _Optional[_Union[KeepParameter.Overlap, str]] = ..., of: _Optional[_Union[KeepParameter.Compared, str]] = ..., most: _Optional[int] = ...) -> None: ...

class ViewParameter(_message.Message):
    __slots__ = ("blob", "pixels", "heatmap", "feature")
    BLOB_FIELD_NUMBER: _ClassVar[int]
    PIXELS_FIELD_NUMBER: _ClassVar[int]
    HEATMAP_FIELD_NUMBER: _ClassVar[int]
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    blob: str
    pixels: PixelsView
    heatmap: HeatmapView
    feature: FeatureView
    def __init__(self, blob: _Optional[str] = ..., pixels: _Optional[_Union[PixelsView, _Mapping]] = ..., heatmap: _Optional[_Union[HeatmapView, _Mapping]] = ..., feature: _Optional[_Union[FeatureView, _Mapping]] = ...) -> None: ...

class PixelsView(_message.Message):
    __slots__ = ("window", "preprocess")
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    PREPROCESS_FIELD_NUMBER: _ClassVar[int]
    window: WindowParameter
    preprocess: PreprocessParameter
    def __init__(self, window: _Optional[_Union[WindowParameter, _Mapping]] = ..., preprocess: _Optional[_Union[PreprocessParameter, _Mapping]] = ...) -> None: ...

class HeatmapView(_message.Message):
    __slots__ = ("size", "half_size", "inclusive", "clamp")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    HALF_SIZE_FIELD_NUMBER: _ClassVar[int]
    INCLUSIVE_FIELD_NUMBER: _ClassVar[int]
    CLAMP_FIELD_NUMBER: _ClassVar[int]
    size: _containers.RepeatedScalarFieldContainer[int]
    half_size: int
    inclusive: bool
    clamp: bool
    def __init__(self, size: _Optional[_Iterable[int]] = ..., half_size: _Optional[int] = ..., inclusive: _Optional[bool] = ..., clamp: _Optional[bool] = ...) -> None: ...

class FeatureView(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class AnswerParameter(_message.Message):
    __slots__ = ("blob", "points", "score", "box", "feature", "map")
    BLOB_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    BOX_FIELD_NUMBER: _ClassVar[int]
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    MAP_FIELD_NUMBER: _ClassVar[int]
    blob: str
    points: PointsAnswer
    score: ScoreAnswer
    box: BoxAnswer
    feature: FeatureAnswer
    map: MapParameter
    def __init__(self, blob: _Optional[str] = ..., points: _Optional[_Union[PointsAnswer, _Mapping]] = ..., score: _Optional[_Union[ScoreAnswer, _Mapping]] = ..., box: _Optional[_Union[BoxAnswer, _Mapping]] = ..., feature: _Optional[_Union[FeatureAnswer, _Mapping]] = ..., map: _Optional[_Union[MapParameter, _Mapping]] = ...) -> None: ...

class MapParameter(_message.Message):
    __slots__ = ("cell", "stride")
    CELL_FIELD_NUMBER: _ClassVar[int]
    STRIDE_FIELD_NUMBER: _ClassVar[int]
    cell: int
    stride: int
    def __init__(self, cell: _Optional[int] = ..., stride: _Optional[int] = ...) -> None: ...

class PointsAnswer(_message.Message):
    __slots__ = ("order", "range", "relative_to", "frame")
    class Order(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PAIRS: _ClassVar[PointsAnswer.Order]
        AXES: _ClassVar[PointsAnswer.Order]
    PAIRS: PointsAnswer.Order
    AXES: PointsAnswer.Order
    class Range(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CENTRED: _ClassVar[PointsAnswer.Range]
        CORNER: _ClassVar[PointsAnswer.Range]
    CENTRED: PointsAnswer.Range
    CORNER: PointsAnswer.Range
    class Origin(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        WINDOW: _ClassVar[PointsAnswer.Origin]
        POINTS: _ClassVar[PointsAnswer.Origin]
    WINDOW: PointsAnswer.Origin
    POINTS: PointsAnswer.Origin
    ORDER_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    RELATIVE_TO_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    order: PointsAnswer.Order
    range: PointsAnswer.Range
    relative_to: PointsAnswer.Origin
    frame: int
    def __init__(self, order: _Optional[_Union[PointsAnswer.Order, str]] = ..., range: _Optional[_Union[PointsAnswer.Range, str]] = ..., relative_to: _Optional[_Union[PointsAnswer.Origin, str]] = ..., frame: _Optional[int] = ...) -> None: ...

class FeatureAnswer(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ScoreAnswer(_message.Message):
    __slots__ = ("channel",)
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    channel: int
    def __init__(self, channel: _Optional[int] = ...) -> None: ...

class BoxAnswer(_message.Message):
    __slots__ = ("form",)
    class Form(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CORNERS: _ClassVar[BoxAnswer.Form]
        DISTANCES: _ClassVar[BoxAnswer.Form]
    CORNERS: BoxAnswer.Form
    DISTANCES: BoxAnswer.Form
    FORM_FIELD_NUMBER: _ClassVar[int]
    form: BoxAnswer.Form
    def __init__(self, form: _Optional[_Union[BoxAnswer.Form, str]] = ...) -> None: ...

class PreprocessParameter(_message.Message):
    __slots__ = ("color_order", "mean", "scale", "size", "interpolation", "deviation")
    class ColorOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        BGR: _ClassVar[PreprocessParameter.ColorOrder]
        RGB: _ClassVar[PreprocessParameter.ColorOrder]
        GRAY: _ClassVar[PreprocessParameter.ColorOrder]
        LUMA: _ClassVar[PreprocessParameter.ColorOrder]
    BGR: PreprocessParameter.ColorOrder
    RGB: PreprocessParameter.ColorOrder
    GRAY: PreprocessParameter.ColorOrder
    LUMA: PreprocessParameter.ColorOrder
    class Interpolation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        LINEAR: _ClassVar[PreprocessParameter.Interpolation]
        NEAREST: _ClassVar[PreprocessParameter.Interpolation]
        CUBIC: _ClassVar[PreprocessParameter.Interpolation]
        AREA: _ClassVar[PreprocessParameter.Interpolation]
    LINEAR: PreprocessParameter.Interpolation
    NEAREST: PreprocessParameter.Interpolation
    CUBIC: PreprocessParameter.Interpolation
    AREA: PreprocessParameter.Interpolation
    COLOR_ORDER_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    INTERPOLATION_FIELD_NUMBER: _ClassVar[int]
    DEVIATION_FIELD_NUMBER: _ClassVar[int]
    color_order: PreprocessParameter.ColorOrder
    mean: _containers.RepeatedScalarFieldContainer[float]
    scale: float
    size: _containers.RepeatedScalarFieldContainer[int]
    interpolation: PreprocessParameter.Interpolation
    deviation: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, color_order: _Optional[_Union[PreprocessParameter.ColorOrder, str]] = ..., mean: _Optional[_Iterable[float]] = ..., scale: _Optional[float] = ..., size: _Optional[_Iterable[int]] = ..., interpolation: _Optional[_Union[PreprocessParameter.Interpolation, str]] = ..., deviation: _Optional[_Iterable[float]] = ...) -> None: ...

class WindowParameter(_message.Message):
    __slots__ = ("picture", "box", "square", "similarity")
    PICTURE_FIELD_NUMBER: _ClassVar[int]
    BOX_FIELD_NUMBER: _ClassVar[int]
    SQUARE_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    picture: PictureWindow
    box: BoxWindow
    square: SquareWindow
    similarity: SimilarityWindow
    def __init__(self, picture: _Optional[_Union[PictureWindow, _Mapping]] = ..., box: _Optional[_Union[BoxWindow, _Mapping]] = ..., square: _Optional[_Union[SquareWindow, _Mapping]] = ..., similarity: _Optional[_Union[SimilarityWindow, _Mapping]] = ...) -> None: ...

class PictureWindow(_message.Message):
    __slots__ = ("least_face", "cell", "factor", "longest", "multiple")
    LEAST_FACE_FIELD_NUMBER: _ClassVar[int]
    CELL_FIELD_NUMBER: _ClassVar[int]
    FACTOR_FIELD_NUMBER: _ClassVar[int]
    LONGEST_FIELD_NUMBER: _ClassVar[int]
    MULTIPLE_FIELD_NUMBER: _ClassVar[int]
    least_face: float
    cell: int
    factor: float
    longest: int
    multiple: int
    def __init__(self, least_face: _Optional[float] = ..., cell: _Optional[int] = ..., factor: _Optional[float] = ..., longest: _Optional[int] = ..., multiple: _Optional[int] = ...) -> None: ...

class BoxWindow(_message.Message):
    __slots__ = ("scale", "square", "border")
    class Border(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CLIP: _ClassVar[BoxWindow.Border]
        BLACK: _ClassVar[BoxWindow.Border]
        EDGE: _ClassVar[BoxWindow.Border]
    CLIP: BoxWindow.Border
    BLACK: BoxWindow.Border
    EDGE: BoxWindow.Border
    SCALE_FIELD_NUMBER: _ClassVar[int]
    SQUARE_FIELD_NUMBER: _ClassVar[int]
    BORDER_FIELD_NUMBER: _ClassVar[int]
    scale: float
    square: bool
    border: BoxWindow.Border
    def __init__(self, scale: _Optional[float] = ..., square: _Optional[bool] = ..., border: _Optional[_Union[BoxWindow.Border, str]] = ...) -> None: ...

class SquareWindow(_message.Message):
    __slots__ = ("around", "k", "a", "b")
    AROUND_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    around: str
    k: float
    a: str
    b: str
    def __init__(self, around: _Optional[str] = ..., k: _Optional[float] = ..., a: _Optional[str] = ..., b: _Optional[str] = ...) -> None: ...

class SimilarityWindow(_message.Message):
    __slots__ = ("shape", "upright", "patch", "frame", "robust", "start")
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    UPRIGHT_FIELD_NUMBER: _ClassVar[int]
    PATCH_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    ROBUST_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    shape: _containers.RepeatedCompositeFieldContainer[ShapePoint]
    upright: bool
    patch: float
    frame: int
    robust: bool
    start: bool
    def __init__(self, shape: _Optional[_Iterable[_Union[ShapePoint, _Mapping]]] = ..., upright: _Optional[bool] = ..., patch: _Optional[float] = ..., frame: _Optional[int] = ..., robust: _Optional[bool] = ..., start: _Optional[bool] = ...) -> None: ...

class ShapePoint(_message.Message):
    __slots__ = ("x", "y")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    x: float
    y: float
    def __init__(self, x: _Optional[float] = ..., y: _Optional[float] = ...) -> None: ...
