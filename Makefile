PROTOC = $(BIN)/python -m grpc_tools.protoc
