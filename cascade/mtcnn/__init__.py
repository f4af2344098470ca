"""MTCNN: facenet-pytorch's class on our cascades, and its weights in three layouts."""
