typedef int matrix_is_empty;
