from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RecipeParameter(_message.Message):
    __slots__ = ("name", "like", "cascade", "data", "synthetic", "validation", "training", "stage", "seed", "epochs_factor", "start")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LIKE_FIELD_NUMBER: _ClassVar[int]
    CASCADE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    SYNTHETIC_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_FIELD_NUMBER: _ClassVar[int]
    TRAINING_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_FACTOR_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    name: str
    like: str
    cascade: str
    data: _containers.RepeatedCompositeFieldContainer[PicturesParameter]
    synthetic: SyntheticParameter
    validation: PicturesParameter
    training: TrainingParameter
    stage: _containers.RepeatedCompositeFieldContainer[StageRecipe]
    seed: int
    epochs_factor: float
    start: str
    def __init__(self, name: _Optional[str] = ..., like: _Optional[str] = ..., cascade: _Optional[str] = ..., data: _Optional[_Iterable[_Union[PicturesParameter, _Mapping]]] = ..., synthetic: _Optional[_Union[SyntheticParameter, _Mapping]] = ..., validation: _Optional[_Union[PicturesParameter, _Mapping]] = ..., training: _Optional[_Union[TrainingParameter, _Mapping]] = ..., stage: _Optional[_Iterable[_Union[StageRecipe, _Mapping]]] = ..., seed: _Optional[int] = ..., epochs_factor: _Optional[float] = ..., start: _Optional[str] = ...) -> None: ...

class PicturesParameter(_message.Message):
    __slots__ = ("folder", "partition", "weight", "stage", "leave_out", "leave_out_list", "conversion", "validation_share")
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    LEAVE_OUT_FIELD_NUMBER: _ClassVar[int]
    LEAVE_OUT_LIST_FIELD_NUMBER: _ClassVar[int]
    CONVERSION_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_SHARE_FIELD_NUMBER: _ClassVar[int]
    folder: str
    partition: str
    weight: float
    stage: _containers.RepeatedScalarFieldContainer[str]
    leave_out: _containers.RepeatedScalarFieldContainer[str]
    leave_out_list: str
    conversion: str
    validation_share: float
    def __init__(self, folder: _Optional[str] = ..., partition: _Optional[str] = ..., weight: _Optional[float] = ..., stage: _Optional[_Iterable[str]] = ..., leave_out: _Optional[_Iterable[str]] = ..., leave_out_list: _Optional[str] = ..., conversion: _Optional[str] = ..., validation_share: _Optional[float] = ...) -> None: ...

class SyntheticParameter(_message.Message):
    __slots__ = ("count", "seed", "views", "weight", "narrowest", "stage")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    VIEWS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    NARROWEST_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    count: int
    seed: int
    views: int
    weight: float
    narrowest: float
    stage: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, count: _Optional[int] = ..., seed: _Optional[int] = ..., views: _Optional[int] = ..., weight: _Optional[float] = ..., narrowest: _Optional[float] = ..., stage: _Optional[_Iterable[str]] = ...) -> None: ...

class StageRecipe(_message.Message):
    __slots__ = ("name", "training", "weights")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TRAINING_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    name: str
    training: TrainingParameter
    weights: str
    def __init__(self, name: _Optional[str] = ..., training: _Optional[_Union[TrainingParameter, _Mapping]] = ..., weights: _Optional[str] = ...) -> None: ...

class TrainingParameter(_message.Message):
    __slots__ = ("batch_size", "epochs", "base_lr", "warm_up", "final_lr", "weight_decay", "beta1", "beta2", "ema", "dropout", "statistics", "loss", "augment", "jitter", "hard_pose", "scatter", "finder", "classifier")
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_FIELD_NUMBER: _ClassVar[int]
    BASE_LR_FIELD_NUMBER: _ClassVar[int]
    WARM_UP_FIELD_NUMBER: _ClassVar[int]
    FINAL_LR_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
    BETA1_FIELD_NUMBER: _ClassVar[int]
    BETA2_FIELD_NUMBER: _ClassVar[int]
    EMA_FIELD_NUMBER: _ClassVar[int]
    DROPOUT_FIELD_NUMBER: _ClassVar[int]
    STATISTICS_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    AUGMENT_FIELD_NUMBER: _ClassVar[int]
    JITTER_FIELD_NUMBER: _ClassVar[int]
    HARD_POSE_FIELD_NUMBER: _ClassVar[int]
    SCATTER_FIELD_NUMBER: _ClassVar[int]
    FINDER_FIELD_NUMBER: _ClassVar[int]
    CLASSIFIER_FIELD_NUMBER: _ClassVar[int]
    batch_size: int
    epochs: float
    base_lr: float
    warm_up: float
    final_lr: float
    weight_decay: float
    beta1: float
    beta2: float
    ema: float
    dropout: float
    statistics: float
    loss: LossParameter
    augment: AugmentParameter
    jitter: JitterParameter
    hard_pose: float
    scatter: ScatterParameter
    finder: FinderParameter
    classifier: ClassifierParameter
    def __init__(self, batch_size: _Optional[int] = ..., epochs: _Optional[float] = ..., base_lr: _Optional[float] = ..., warm_up: _Optional[float] = ..., final_lr: _Optional[float] = ..., weight_decay: _Optional[float] = ..., beta1: _Optional[float] = ..., beta2: _Optional[float] = ..., ema: _Optional[float] = ..., dropout: _Optional[float] = ..., statistics: _Optional[float] = ..., loss: _Optional[_Union[LossParameter, _Mapping]] = ..., augment: _Optional[_Union[AugmentParameter, _Mapping]] = ..., jitter: _Optional[_Union[JitterParameter, _Mapping]] = ..., hard_pose: _Optional[float] = ..., scatter: _Optional[_Union[ScatterParameter, _Mapping]] = ..., finder: _Optional[_Union[FinderParameter, _Mapping]] = ..., classifier: _Optional[_Union[ClassifierParameter, _Mapping]] = ...) -> None: ...

class FinderParameter(_message.Message):
    __slots__ = ("data", "crop", "least_face", "greatest_face", "smallest_face", "focus", "paste", "score", "box", "points")
    DATA_FIELD_NUMBER: _ClassVar[int]
    CROP_FIELD_NUMBER: _ClassVar[int]
    LEAST_FACE_FIELD_NUMBER: _ClassVar[int]
    GREATEST_FACE_FIELD_NUMBER: _ClassVar[int]
    SMALLEST_FACE_FIELD_NUMBER: _ClassVar[int]
    FOCUS_FIELD_NUMBER: _ClassVar[int]
    PASTE_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    BOX_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    data: _containers.RepeatedCompositeFieldContainer[PicturesParameter]
    crop: int
    least_face: float
    greatest_face: float
    smallest_face: float
    focus: float
    paste: float
    score: float
    box: float
    points: float
    def __init__(self, data: _Optional[_Iterable[_Union[PicturesParameter, _Mapping]]] = ..., crop: _Optional[int] = ..., least_face: _Optional[float] = ..., greatest_face: _Optional[float] = ..., smallest_face: _Optional[float] = ..., focus: _Optional[float] = ..., paste: _Optional[float] = ..., score: _Optional[float] = ..., box: _Optional[float] = ..., points: _Optional[float] = ...) -> None: ...

class ClassifierParameter(_message.Message):
    __slots__ = ("data", "positive", "part", "negative", "mix", "hard", "let_through", "least_face", "score", "box", "points", "windows")
    DATA_FIELD_NUMBER: _ClassVar[int]
    POSITIVE_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    NEGATIVE_FIELD_NUMBER: _ClassVar[int]
    MIX_FIELD_NUMBER: _ClassVar[int]
    HARD_FIELD_NUMBER: _ClassVar[int]
    LET_THROUGH_FIELD_NUMBER: _ClassVar[int]
    LEAST_FACE_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    BOX_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    WINDOWS_FIELD_NUMBER: _ClassVar[int]
    data: _containers.RepeatedCompositeFieldContainer[PicturesParameter]
    positive: float
    part: float
    negative: float
    mix: MixParameter
    hard: float
    let_through: float
    least_face: float
    score: float
    box: float
    points: float
    windows: int
    def __init__(self, data: _Optional[_Iterable[_Union[PicturesParameter, _Mapping]]] = ..., positive: _Optional[float] = ..., part: _Optional[float] = ..., negative: _Optional[float] = ..., mix: _Optional[_Union[MixParameter, _Mapping]] = ..., hard: _Optional[float] = ..., let_through: _Optional[float] = ..., least_face: _Optional[float] = ..., score: _Optional[float] = ..., box: _Optional[float] = ..., points: _Optional[float] = ..., windows: _Optional[int] = ...) -> None: ...

class MixParameter(_message.Message):
    __slots__ = ("negative", "positive", "part", "points")
    NEGATIVE_FIELD_NUMBER: _ClassVar[int]
    POSITIVE_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    negative: float
    positive: float
    part: float
    points: float
    def __init__(self, negative: _Optional[float] = ..., positive: _Optional[float] = ..., part: _Optional[float] = ..., points: _Optional[float] = ...) -> None: ...

class ScatterParameter(_message.Message):
    __slots__ = ("probability", "least_eyes", "greatest_eyes", "aspect", "others")
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    LEAST_EYES_FIELD_NUMBER: _ClassVar[int]
    GREATEST_EYES_FIELD_NUMBER: _ClassVar[int]
    ASPECT_FIELD_NUMBER: _ClassVar[int]
    OTHERS_FIELD_NUMBER: _ClassVar[int]
    probability: float
    least_eyes: float
    greatest_eyes: float
    aspect: float
    others: float
    def __init__(self, probability: _Optional[float] = ..., least_eyes: _Optional[float] = ..., greatest_eyes: _Optional[float] = ..., aspect: _Optional[float] = ..., others: _Optional[float] = ...) -> None: ...

class LossParameter(_message.Message):
    __slots__ = ("type", "width", "curvature", "eye_distance_power")
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        DISTANCE: _ClassVar[LossParameter.Type]
        EUCLIDEAN: _ClassVar[LossParameter.Type]
        L1: _ClassVar[LossParameter.Type]
        SMOOTH_L1: _ClassVar[LossParameter.Type]
        WING: _ClassVar[LossParameter.Type]
    DISTANCE: LossParameter.Type
    EUCLIDEAN: LossParameter.Type
    L1: LossParameter.Type
    SMOOTH_L1: LossParameter.Type
    WING: LossParameter.Type
    TYPE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    CURVATURE_FIELD_NUMBER: _ClassVar[int]
    EYE_DISTANCE_POWER_FIELD_NUMBER: _ClassVar[int]
    type: LossParameter.Type
    width: float
    curvature: float
    eye_distance_power: float
    def __init__(self, type: _Optional[_Union[LossParameter.Type, str]] = ..., width: _Optional[float] = ..., curvature: _Optional[float] = ..., eye_distance_power: _Optional[float] = ...) -> None: ...

class AugmentParameter(_message.Message):
    __slots__ = ("shift", "scale", "rotation", "flip", "contrast", "brightness", "color", "gray", "blur", "noise", "occlusion", "occlusion_size", "jpeg")
    SHIFT_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    ROTATION_FIELD_NUMBER: _ClassVar[int]
    FLIP_FIELD_NUMBER: _ClassVar[int]
    CONTRAST_FIELD_NUMBER: _ClassVar[int]
    BRIGHTNESS_FIELD_NUMBER: _ClassVar[int]
    COLOR_FIELD_NUMBER: _ClassVar[int]
    GRAY_FIELD_NUMBER: _ClassVar[int]
    BLUR_FIELD_NUMBER: _ClassVar[int]
    NOISE_FIELD_NUMBER: _ClassVar[int]
    OCCLUSION_FIELD_NUMBER: _ClassVar[int]
    OCCLUSION_SIZE_FIELD_NUMBER: _ClassVar[int]
    JPEG_FIELD_NUMBER: _ClassVar[int]
    shift: float
    scale: float
    rotation: float
    flip: float
    contrast: float
    brightness: float
    color: float
    gray: float
    blur: float
    noise: float
    occlusion: float
    occlusion_size: float
    jpeg: float
    def __init__(self, shift: _Optional[float] = ..., scale: _Optional[float] = ..., rotation: _Optional[float] = ..., flip: _Optional[float] = ..., contrast: _Optional[float] = ..., brightness: _Optional[float] = ..., color: _Optional[float] = ..., gray: _Optional[float] = ..., blur: _Optional[float] = ..., noise: _Optional[float] = ..., occlusion: _Optional[float] = ..., occlusion_size: _Optional[float] = ..., jpeg: _Optional[float] = ...) -> None: ...

class JitterParameter(_message.Message):
    __slots__ = ("factor", "least_factor", "noise", "alike")
    FACTOR_FIELD_NUMBER: _ClassVar[int]
    LEAST_FACTOR_FIELD_NUMBER: _ClassVar[int]
    NOISE_FIELD_NUMBER: _ClassVar[int]
    ALIKE_FIELD_NUMBER: _ClassVar[int]
    factor: float
    least_factor: float
    noise: float
    alike: int
    def __init__(self, factor: _Optional[float] = ..., least_factor: _Optional[float] = ..., noise: _Optional[float] = ..., alike: _Optional[int] = ...) -> None: ...
