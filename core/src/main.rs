//! Entry of the program; everything is in the library.

fn main() -> std::process::ExitCode {
    kubectl_lab::main()
}
