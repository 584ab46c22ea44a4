# `make X` is the same as `./run X`.
.DEFAULT_GOAL := help
%:
	@./run $@
